import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { plainAddress } from '../events/address.ts';
import { memoizeLast } from './request.ts';

/** Whether the service answers to this `Host`. */
export type HostCheck = (host: string | undefined) => boolean;

/**
 * Creates the check of the `Host` header, against DNS rebinding: a page can make its own name resolve to 127.0.0.1. On a
 * loopback address the service answers to loopback names and to the `allowed` names (without ports). On other addresses it
 * answers to the `allowed` names only, or to all names when none are given.
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

// Yoga builds the URL of the request from this name.
function nameOf(host: string): string | undefined {
  if (!URL.canParse(`http://${host}`)) return undefined;
  const [, name] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return name === undefined ? undefined : nameIn(name);
}

// One spelling for each name and address, without brackets and without a dot at the end.
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

// What allowed pages may send and read.
const METHODS = 'GET, HEAD, POST';
const REQUEST_HEADERS = 'authorization, content-type, x-request-id';
const RESPONSE_HEADERS = 'retry-after, x-request-id';
const PREFLIGHT_SECONDS = '600';

/** Which pages may use the service from a browser (CORS), on every path. Yoga's own CORS is off. */
export interface Origins {
  /** Whether a request comes from an allowed page, or from no browser. */
  allows(request: IncomingMessage): boolean;
  /** Lets a page of another, allowed origin read the response. */
  open(request: IncomingMessage, response: ServerResponse): void;
  /** Answers a preflight request: 204 for an allowed origin, else false. */
  answerPreflight(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Allows the service's own pages, and those of the given origins (`https://app.example`, or `*` for all). */
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
      // The gate has set `same-origin`.
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

// Without the scheme: behind a proxy that terminates TLS it differs from the browser's.
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
