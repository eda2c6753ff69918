import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { AuditError, orUnavailable } from '../errors.ts';
import { insideMessage, retryAfterSeconds } from '../graphql/errors.ts';
import { logOutage } from '../graphql/outage-log.ts';

/**
 * On every answer, whatever it is: nothing of it may be sniffed, framed, cached or run. A page that has to run
 * something says so itself.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

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

/** Answers a request whose method is not served here. */
export function refuseMethod(response: ServerResponse): void {
  response.setHeader('allow', 'GET, HEAD');
  refuse(response, 405, new AuditError('BAD_USER_INPUT', 'this is served by GET and HEAD'));
}

/** Answers with 503 when the error may pass, else with 500; the cause is in the log under the id. */
export function refuseFailure(
  response: ServerResponse,
  error: unknown,
  { log, requestId }: { log: Logger; requestId: string },
): void {
  const shown = orUnavailable(error);
  if (shown instanceof AuditError) {
    logOutage(log, shown, requestId);
    refuse(response, 503, shown);
  } else {
    log.error({ err: error, requestId }, 'request failed');
    refuse(response, 500, new AuditError('INTERNAL', insideMessage(requestId)));
  }
}
