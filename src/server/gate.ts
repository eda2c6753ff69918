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

/** What every request passes first. True: go on; false: it is answered. */
export type Gate = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Makes the gate: it puts the headers that are on every answer, refuses requests whose headers say two things, that are
 * meant for another host, or that are too many, and answers browsers that ask whether they may.
 */
export function createGate({ isHost, origins, requests }: GateOptions): Gate {
  return (request, response) => {
    response.setHeaders(HEADERS);
    response.setHeader('x-request-id', requestIdOf(request));
    lingerAfter(request, response);
    const repeated = repeatedHeader(request);
    if (repeated) return refused(response, 400, repeated);
    // Whoever watches over the service asks by address, and also when it is busy.
    if (request.url?.startsWith(HEALTH_PATH)) return true;
    if (!isHost(request.headers.host)) return refused(response, 421, notThisHost());
    origins.open(request, response);
    if (request.method === 'OPTIONS') {
      const isAnswered = origins.answerPreflight(request, response);
      return isAnswered ? false : refused(response, 403, notThisOrigin());
    }
    try {
      requests.enter(request);
    } catch (error) {
      return refused(response, 503, error as AuditError);
    }
    response.once('close', () => requests.leave(request));
    return true;
  };
}

/** The error for a request that is meant for another host. */
export function notThisHost(): AuditError {
  return new AuditError(
    'FORBIDDEN',
    'this service does not answer to the host name of the request (ALLOWED_HOSTS)',
  );
}

/** The error for a page that may not use the service. */
export function notThisOrigin(): AuditError {
  return new AuditError('FORBIDDEN', 'this service does not take requests from this origin (CORS_ORIGINS)');
}

function refused(response: ServerResponse, status: number, error: AuditError): false {
  sendError(response, status, error);
  return false;
}

// Node keeps the first of each, and another program on the way may have decided by the last.
const SINGLE = new Set(['host', 'authorization', 'content-type', 'origin']);

/**
 * The error for a request in which a header that decides something stands twice, even with the same value; undefined:
 * there is none. RFC 9112, 3.2 wants 400 for a second `Host`.
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
