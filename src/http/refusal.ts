import type { ServerResponse } from 'node:http';
import type { AuditError } from '../errors.ts';
import { retryAfterSeconds } from '../graphql/errors.ts';

/** The body of an answer that is nothing but an error, in the form of a GraphQL one. */
export function refusalBody({ code, message, path, retryAfterMs }: AuditError): string {
  const extensions = {
    code,
    ...(path === undefined ? {} : { path }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return `${JSON.stringify({ errors: [{ message, extensions }] })}\n`;
}

/** The headers of such an answer. */
export function refusalHeaders({ retryAfterMs }: AuditError): Record<string, string> {
  return {
    'content-type': 'application/json; charset=utf-8',
    ...(retryAfterMs === undefined ? {} : { 'retry-after': retryAfterSeconds(retryAfterMs) }),
  };
}

/** Answers with an error, unless it has been answered: with UNAVAILABLE, when the service stopped meanwhile. */
export function refuse(response: ServerResponse, status: number, error: AuditError): void {
  if (response.headersSent) return;
  response.writeHead(status, refusalHeaders(error)).end(refusalBody(error));
}
