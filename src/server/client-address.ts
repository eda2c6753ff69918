import type { IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';
import { type AddressBlock, canonicalAddress, isInBlock } from '../events/address.ts';
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
    let ipAddress = addressIn(socket.remoteAddress ?? '');
    const forwarded = trusted.length === 0 ? [] : String(headers['x-forwarded-for'] ?? '').split(',');
    while (ipAddress !== undefined && isTrusted(ipAddress)) {
      const next = addressIn(forwarded.pop() ?? '');
      if (next === undefined) break;
      ipAddress = next;
    }
    return { ipAddress, userAgent: headers['user-agent']?.slice(0, MAX_USER_AGENT) };
  };
}

// An IPv4 address as such also on an IPv6 socket. Some proxies add the port.
function addressIn(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/.exec(text.trim()) ?? [];
  const address = bracketed ?? plain ?? text.trim();
  return canonicalAddress(address.replace(/^::ffff:(?=[\d.]+$)/i, '').replace(/%.*$/, ''));
}
