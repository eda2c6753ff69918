import { isIP, isIPv4 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * The IP address that a source names, or undefined when `text` is a host name or no address (leading zeros such as
 * `010.1.2.3` are none: readers disagree whether they are octal). An IPv4 address in IPv6 dress (`::ffff:192.0.2.1`)
 * is the IPv4 address, so that one host has one address. A zone (`fe80::1%eth0`) means nothing elsewhere: refused.
 */
export function ipAddressOf(text: string): string | undefined {
  const trimmed = text.trim();
  const mapped = MAPPED_IPV4.exec(trimmed)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  return isIP(trimmed) !== 0 && !trimmed.includes('%') ? trimmed : undefined;
}
