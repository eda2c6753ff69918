import type { IncomingMessage } from 'node:http';
import { canonicalAddress } from '../events/address.ts';

/** The address of the socket's other end, an IPv4 one as such also on an IPv6 socket; undefined when it is gone. */
export function addressOf({ socket }: IncomingMessage): string | undefined {
  const text = socket.remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/, '').replace(/%.*$/, '');
  return text === undefined ? undefined : canonicalAddress(text);
}
