import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { badInput } from '../errors.ts';
import { refusalBody, refusalHeaders } from './refusal.ts';

/** Answers 406, with a code, a client that accepts no form in which its result can be sent. */
export function useNotAcceptable(): Plugin {
  return {
    onResultProcess: ({ result, resultProcessor, setResultProcessor }) => {
      if (resultProcessor) return;
      if (isAsyncIterable(result)) void result[Symbol.asyncIterator]().return?.();
      const types = 'application/json, and for a subscription text/event-stream';
      const error = badInput('accept', `must name what can be sent: ${types}`);
      setResultProcessor(
        (_result, { Response }) =>
          new Response(refusalBody(error), { status: 406, headers: refusalHeaders(error) }),
        'application/json',
      );
    },
  };
}
