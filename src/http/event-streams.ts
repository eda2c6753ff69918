import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
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

/** The server-sent events of a server. */
export interface EventStreams {
  /** Answers subscriptions with them. */
  plugin: Plugin;
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
    plugin: {
      onResultProcess: ({ result, resultProcessor, setResultProcessor, serverContext }) => {
        // Yoga has found that the client takes a stream, or there is no processor.
        if (!resultProcessor || !isAsyncIterable(result)) return;
        const results = result as AsyncIterable<ExecutionResult>;
        setResultProcessor((_result, { Response }) => {
          const { req, res } = serverContext as { req?: IncomingMessage; res?: ServerResponse };
          const textOf = (one: ExecutionResult) =>
            JSON.stringify(forClient(one, log, req && requestIdOf(req)));
          const stream = new EventStream(results, { keepAliveMs, textOf, open });
          endWith(res, stream);
          return new Response(stream as never, { headers: HEADERS });
        }, 'text/event-stream');
      },
    },
    close() {
      for (const stream of open) stream.end();
    },
  };
}

// A client may be gone before its stream is read for the first time.
function endWith(res: ServerResponse | undefined, stream: EventStream): void {
  if (res?.closed) stream.destroy();
  else res?.once('close', () => stream.destroy());
}
