import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressBlock, addressIn, isInBlock } from '../events/address.ts';
import type { Peer } from '../log/append/record.ts';

/** The path of the API. */
export const GRAPHQL_PATH = '/graphql';

/** What Yoga's plugins get of a request over HTTP, beside the GraphQL context. */
export interface HttpContext {
  req: IncomingMessage;
  res: ServerResponse;
}

/** A GraphQL request as it arrives, over any transport. `documentId` is that of GraphQL over HTTP's draft on persisted documents. */
export interface OperationParams {
  query?: string | undefined;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  extensions?: Record<string, unknown> | undefined;
  documentId?: unknown;
}

const GIVEN = /^[\w.:-]{1,128}$/;
const ID = Symbol('request id');

/** The id of a request in its response and in the service's log: the value of `x-request-id`, else a random one. */
export function requestIdOf(request: IncomingMessage & { [ID]?: string }): string {
  request[ID] ??= givenIn(request) ?? randomUUID();
  return request[ID];
}

function givenIn({ headers }: IncomingMessage): string | undefined {
  const given = headers['x-request-id'];
  return typeof given === 'string' && GIVEN.test(given) ? given : undefined;
}

const MAX_USER_AGENT = 256;

/** Finds the client of a request: its address and user agent. */
export type PeerOf = (request: IncomingMessage) => Peer;

/**
 * Creates the function. The address is that of the connection. If that is a trusted proxy, it is the last address in
 * `X-Forwarded-For`, which the proxy has added, and so on to the left while the address found is a trusted proxy. Addresses
 * further left are not trusted: the client may have written them.
 */
export function createPeerOf(trusted: readonly AddressBlock[]): PeerOf {
  const isTrusted = (address: string) => trusted.some((block) => isInBlock(address, block));
  return ({ socket, headers }) => {
    let ipAddress = peerAddress(socket.remoteAddress ?? '');
    const forwarded = trusted.length === 0 ? [] : String(headers['x-forwarded-for'] ?? '').split(',');
    while (ipAddress !== undefined && isTrusted(ipAddress)) {
      const next = peerAddress(forwarded.pop() ?? '');
      if (next === undefined) break;
      ipAddress = next;
    }
    return { ipAddress, userAgent: headers['user-agent']?.slice(0, MAX_USER_AGENT) };
  };
}

// Without the zone of an IPv6 address, which names a network interface of this machine.
function peerAddress(text: string): string | undefined {
  return addressIn(text.replace(/%[^\]]*/, ''));
}

/** Whether the client accepts gzip (RFC 9110, 12.5.3): `gzip` or `*` is named with a quality above 0. */
export function acceptsGzip({ headers }: IncomingMessage): boolean {
  const codings = new Map(
    String(headers['accept-encoding'] ?? '')
      .toLowerCase()
      .split(',')
      .map((coding) => {
        const [name = '', ...parameters] = coding.split(';').map((part) => part.trim());
        const quality = parameters.find((parameter) => parameter.startsWith('q='));
        return [name, Number(quality?.slice(2) ?? 1)] as const;
      }),
  );
  return (codings.get('gzip') ?? codings.get('*') ?? 0) > 0;
}

/**
 * Memoizes the last result of a function, for a header that is the same in nearly every request. The function must not
 * throw, and callers must not change its result.
 */
export function memoizeLast<Input extends string | undefined, Result>(
  answer: (input: Input) => Result,
): (input: Input) => Result {
  let last: { input: Input; result: Result } | undefined;
  return (input) => {
    if (last === undefined || last.input !== input) last = { input, result: answer(input) };
    return last.result;
  };
}
