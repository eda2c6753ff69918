import type { IncomingMessage, ServerResponse } from 'node:http';
import { AuditError } from '../errors.ts';
import { lingerAfter } from './connections.ts';
import { SECURITY_HEADERS, sendError } from './error-response.ts';
import type { HostCheck, Origins } from './hosts-and-origins.ts';
import type { RequestLimiter } from './load-limits.ts';
import { requestIdOf } from './request.ts';

const HEALTH_PATH = '/health/';

const HEADERS = new Map(Object.entries(SECURITY_HEADERS));

export interface GateOptions {
  isHost: HostCheck;
  origins: Origins;
  requests: RequestLimiter;
}

/** Checks every request first. Returns whether to go on; false: the request was answered. */
export type Gate = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Creates the gate. It sets the headers of every response, refuses requests with a repeated header, for another host, or
 * beyond the limit of requests, and answers preflight requests.
 */
export function createGate({ isHost, origins, requests }: GateOptions): Gate {
  return (request, response) => {
    response.setHeaders(HEADERS);
    response.setHeader('x-request-id', requestIdOf(request));
    lingerAfter(request, response);
    const repeated = repeatedHeader(request);
    if (repeated) return reject(response, 400, repeated);
    // Health checks come by address, and must be answered while the service is busy.
    if (request.url?.startsWith(HEALTH_PATH)) return true;
    if (!isHost(request.headers.host)) return reject(response, 421, notThisHost());
    origins.open(request, response);
    if (request.method === 'OPTIONS') {
      const isAnswered = origins.answerPreflight(request, response);
      return isAnswered ? false : reject(response, 403, notThisOrigin());
    }
    try {
      requests.enter(request);
    } catch (error) {
      return reject(response, 503, error as AuditError);
    }
    response.once('close', () => requests.leave(request));
    return true;
  };
}

/** The error for a request with the host name of another service. */
export function notThisHost(): AuditError {
  return new AuditError(
    'FORBIDDEN',
    'this service does not answer to the host name of the request (ALLOWED_HOSTS)',
  );
}

/** The error for a page of an origin that is not allowed. */
export function notThisOrigin(): AuditError {
  return new AuditError('FORBIDDEN', 'this service does not take requests from this origin (CORS_ORIGINS)');
}

function reject(response: ServerResponse, status: number, error: AuditError): false {
  sendError(response, status, error);
  return false;
}

// Node keeps the first value of each, and a proxy may have decided by the last.
const SINGLE = new Set(['host', 'authorization', 'content-type', 'origin']);

/**
 * The error for a request that repeats one of the headers in `SINGLE`, even with the same value; undefined: none is
 * repeated. RFC 9112, 3.2 requires 400 for a second `Host`.
 */
export function repeatedHeader({ rawHeaders }: IncomingMessage): AuditError | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    if (!SINGLE.has(name)) continue;
    if (seen.has(name)) return new AuditError('BAD_USER_INPUT', `the header "${name}" must be sent once`);
    seen.add(name);
  }
  return undefined;
}
