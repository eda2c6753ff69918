import type { ServerResponse } from 'node:http';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { type HttpHints, withoutStatus } from '../graphql/errors.ts';
import type { MediaType } from './accepted.ts';
import type { Unsent } from './unsent.ts';

/** Answers with a result whose errors are shown (`showError`), as JSON of that type. */
export function answerResult(
  response: ServerResponse,
  result: ExecutionResult,
  { type, unsent }: { type: MediaType; unsent: Unsent },
): void {
  const text = textOf(result);
  const length = Buffer.byteLength(text);
  response.once(
    'close',
    unsent.hold(length, () => response.destroy()),
  );
  response
    .writeHead(statusOf(result, type), {
      ...headersOf(result),
      'content-type': `${type}; charset=utf-8`,
      'content-length': length,
    })
    // As a text: it leaves in one packet with the head.
    .end(text);
}

/** The status for a result: the highest that its errors ask for. */
export function statusOf({ errors = [] }: ExecutionResult, type: MediaType): number {
  const isGraphqlResponse = type === 'application/graphql-response+json';
  const asked = errors.map(hintsOf).filter(({ spec }) => isGraphqlResponse || !spec);
  return Math.max(...asked.map(({ status = 0 }) => status), 0) || 200;
}

/** The headers that its errors ask for. */
export function headersOf({ errors = [] }: ExecutionResult): Record<string, string> {
  return Object.assign({}, ...errors.map((error) => hintsOf(error).headers));
}

function textOf(result: ExecutionResult): string {
  if (!result.errors) return JSON.stringify(result);
  const { errors, ...others } = result;
  return JSON.stringify({ errors: errors.map(withoutStatus), ...others });
}

function hintsOf({ extensions }: GraphQLError): HttpHints {
  return (extensions.http ?? {}) as HttpHints;
}
