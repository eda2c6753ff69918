import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { plainAddress } from '../events/address.ts';
import { memoizeLast } from './request.ts';

/** Whether a request with this `Host` is meant for this service. */
export type HostCheck = (host: string | undefined) => boolean;

/**
 * Makes the check of the `Host` header. On a loopback address the service answers to loopback names only: a page in a
 * browser on the same machine can make its own name stand for 127.0.0.1 (DNS rebinding). `allowed` names, without
 * ports, are answered to as well; where the service listens on other addresses they are the only ones, unless there are
 * none.
 */
export function createHostCheck(boundTo: string, allowed: readonly string[]): HostCheck {
  const names = new Set(allowed.map(nameIn));
  const isLocal = isLoopback(nameIn(boundTo));
  return memoizeLast((host) => {
    const name = nameOf(host ?? '');
    if (name === undefined) return false;
    if (names.has(name)) return true;
    return isLocal ? isLoopback(name) : names.size === 0;
  });
}

// Yoga builds the address of the request from it.
function nameOf(host: string): string | undefined {
  if (!URL.canParse(`http://${host}`)) return undefined;
  const [, name] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return name === undefined ? undefined : nameIn(name);
}

// One spelling for each name and address, brackets and the dot of the root left out.
function nameIn(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
  return plainAddress(name) ?? name;
}

function isLoopback(name: string): boolean {
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost');
}

/** What allowed pages may send and read. */
const METHODS = 'GET, HEAD, POST';
const REQUEST_HEADERS = 'authorization, content-type, x-request-id';
const RESPONSE_HEADERS = 'retry-after, x-request-id';
const PREFLIGHT_SECONDS = '600';

/** Which pages may use the service from a browser (CORS): for every path, so that Yoga has no rule of its own. */
export interface Origins {
  /** Whether a request comes from an allowed page, or from no page at all. */
  allows(request: IncomingMessage): boolean;
  /** Lets a page of another, allowed origin read the answer. */
  open(request: IncomingMessage, response: ServerResponse): void;
  /** Answers a preflight request: 204 for an allowed origin, else false. */
  answerPreflight(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Makes the rule: the service's own pages, and those of the origins given (`https://app.example`, or `*` for all). */
export function createOrigins(allowed: readonly string[]): Origins {
  const listed = new Set(allowed);
  const isListed = (origin: string) => listed.has(origin) || listed.has('*');

  return {
    allows: ({ headers: { origin, host } }) =>
      origin === undefined || isListed(origin) || hostOf(origin) === host?.toLowerCase(),
    open({ headers: { origin } }, response) {
      if (listed.size > 0) response.appendHeader('vary', 'origin');
      if (origin === undefined || !isListed(origin)) return;
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-expose-headers', RESPONSE_HEADERS);
      // Else the answer is for pages of this origin only.
      response.setHeader('cross-origin-resource-policy', 'cross-origin');
    },
    answerPreflight({ headers: { origin } }, response) {
      if (origin === undefined || !isListed(origin)) return false;
      response.setHeader('access-control-allow-methods', METHODS);
      response.setHeader('access-control-allow-headers', REQUEST_HEADERS);
      response.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
      response.writeHead(204).end();
      return true;
    },
  };
}

// Behind a proxy that ends TLS the scheme is another here than in the browser.
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
