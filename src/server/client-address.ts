import type { IncomingMessage } from 'node:http';
import { type AddressBlock, addressIn, isInBlock } from '../events/address.ts';
import type { Peer } from '../pipeline/own.ts';

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
