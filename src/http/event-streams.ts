import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { Logger } from 'pino';
import { forClient } from '../graphql/errors.ts';
import { EventStream } from './event-stream.ts';
import { requestIdOf } from './request-id.ts';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Some proxies collect an answer before they pass it on, unless they are told.
  'x-accel-buffering': 'no',
};

/** The beginning of an answer that is an event stream. */
export interface StreamHead {
  status: number;
  headers: Record<string, string>;
}

/** The server-sent events of a server. */
export interface EventStreams {
  /** Answers with results, one after the other, as long as the client stays. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    results: AsyncIterable<ExecutionResult>,
    head?: StreamHead,
  ): void;
  /**
   * Ends all streams, without `complete`: subscriptions have not come to an end, and clients take up again what was
   * cut, not what was completed.
   */
  close(): void;
}

/** Makes them; `keepAliveMs` is the time between two comments. */
export function createEventStreams(keepAliveMs: number, log: Logger): EventStreams {
  const open = new Set<EventStream>();
  return {
    answer(request, response, results, { status, headers } = { status: 200, headers: {} }) {
      const textOf = (one: ExecutionResult) => JSON.stringify(forClient(one, log, requestIdOf(request)));
      const stream = new EventStream(results, { keepAliveMs, textOf, open });
      // A client may be gone before its stream is read for the first time.
      if (response.closed) return void stream.destroy();
      response.once('close', () => stream.destroy());
      response.writeHead(status, { ...headers, ...HEADERS });
      stream.pipe(response);
    },
    close() {
      for (const stream of open) stream.end();
    },
  };
}
