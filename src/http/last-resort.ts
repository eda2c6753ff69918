import type { IncomingMessage } from 'node:http';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { AuditError } from '../errors.ts';
import { insideMessage } from '../graphql/errors.ts';
import { refusalBody, refusalHeaders } from './refusal.ts';
import { requestIdOf } from './request-id.ts';

/** Answers what nothing else has caught: the server below would send the stack trace to the client. */
export function useLastResort(log: Logger): Plugin {
  return {
    onRequest: ({ requestHandler, setRequestHandler, fetchAPI, serverContext }) => {
      setRequestHandler(async (request, context) => {
        try {
          return await requestHandler(request, context);
        } catch (cause) {
          const requestId = requestIdOf((serverContext as unknown as { req: IncomingMessage }).req);
          log.fatal({ err: cause, requestId }, 'a request could not even be refused');
          const error = new AuditError('INTERNAL', insideMessage(requestId));
          return new fetchAPI.Response(refusalBody(error), { status: 500, headers: refusalHeaders(error) });
        }
      });
    },
  };
}
