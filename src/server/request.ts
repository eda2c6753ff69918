import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressBlock, addressIn, isInBlock } from '../events/address.ts';
import type { Peer } from '../log/append/record.ts';

/** Where the API is served. */
export const GRAPHQL_PATH = '/graphql';

/** What a request over HTTP brings to the plugins of Yoga beside what GraphQL has. */
export interface HttpContext {
  req: IncomingMessage;
  res: ServerResponse;
}

/** A GraphQL request as it arrives, by whatever transport; `documentId` is that of the draft on persisted documents. */
export interface OperationParams {
  query?: string | undefined;
  operationName?: string | undefined;
  variables?: Record<string, unknown> | undefined;
  extensions?: Record<string, unknown> | undefined;
  documentId?: unknown;
}

const GIVEN = /^[\w.:-]{1,128}$/;
const ID = Symbol('request id');

/** The id of a request in its answer and in the operator's log: that of its `x-request-id`, else a random one. */
export function requestIdOf(request: IncomingMessage & { [ID]?: string }): string {
  request[ID] ??= givenIn(request) ?? randomUUID();
  return request[ID];
}

function givenIn({ headers }: IncomingMessage): string | undefined {
  const given = headers['x-request-id'];
  return typeof given === 'string' && GIVEN.test(given) ? given : undefined;
}

const MAX_USER_AGENT = 256;

/** Who is at the other end of a request. */
export type PeerOf = (request: IncomingMessage) => Peer;

/**
 * Makes it. The address is that of the socket's other end. Where that is one of the trusted proxies, it is the address
 * for which the proxy says, as the last in `X-Forwarded-For`, that it passes the request on, and so on while that is a
 * trusted one: what is further left anybody may have written.
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

// The zone says through which interface of this machine the client came, which is no part of its address.
function peerAddress(text: string): string | undefined {
  return addressIn(text.replace(/%[^\]]*/, ''));
}

/** Whether the client takes gzip (RFC 9110, 12.5.3): it or everything is named, and not with a quality of 0. */
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
 * The same function, which remembers its last answer: for a header that is the same in nearly every request. Not for
 * functions that throw something a caller changes.
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
