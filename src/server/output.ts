import type { Plugin } from 'graphql-yoga';
import type { Unsent } from '../http/unsent.ts';
import type { HttpContext } from './yoga.ts';

/** Counts the bytes of an answer until the client has taken them; the oldest unread answers are cut above the bound. */
export function useOutputBound(unsent: Unsent): Plugin<object, HttpContext> {
  return {
    onResponse({ response, serverContext: { res } }) {
      const bytes = Number(response.headers.get('content-length') ?? 0);
      res.once(
        'close',
        unsent.hold(bytes, () => res.destroy()),
      );
    },
  };
}
