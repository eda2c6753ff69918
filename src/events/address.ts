import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

const MAPPED_PREFIX = '::ffff:';
const MAPPED_BITS = 96;
/** The IPv6 addresses that stand for IPv4 addresses (RFC 4291, section 2.5.5.2). */
export const MAPPED_BLOCK = `${MAPPED_PREFIX}0:0/${MAPPED_BITS}`;

/**
 * The form of an IPv4 or IPv6 address that is stored and hashed: RFC 5952. Undefined when the text is no address
 * (`010.1.2.3`, a zone, a host name). An IPv4-mapped address stays one: older versions recorded it like that.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const hexadecimal = withoutDots(text);
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(hexadecimal)) return undefined;
  const address = ipaddr.IPv6.parse(hexadecimal);
  return address.isIPv4MappedAddress()
    ? `${MAPPED_PREFIX}${address.toIPv4Address()}`
    : address.toRFC5952String();
}

// `::1.2.3.4`, as PostgreSQL prints `::102:304`, is another address than `::ffff:1.2.3.4`, but not to the library.
function withoutDots(text: string): string {
  const tail = /^(.*:)([\d.]+)$/.exec(text);
  if (!tail?.[2]?.includes('.')) return text;
  if (!isIPv4(tail[2])) return '';
  const [a = 0, b = 0, c = 0, d = 0] = tail[2].split('.').map(Number);
  return `${tail[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/**
 * The one spelling of an address that is given from outside: RFC 5952, and an IPv4-mapped address (`::ffff:192.0.2.1`, as
 * a dual-stack socket shows a client) is its IPv4 address. Undefined when the text is no address.
 */
export function plainAddress(text: string): string | undefined {
  const address = canonicalAddress(text);
  return address === undefined ? undefined : unmapped(address);
}

/** The IPv4 address of a mapped one in its canonical form; any other address as it is. */
export function unmapped(address: string): string {
  // No other address in this form has both.
  return address.startsWith(MAPPED_PREFIX) && address.includes('.')
    ? address.slice(MAPPED_PREFIX.length)
    : address;
}

/** How older versions recorded an IPv4 address that was given to them as a mapped one; undefined for an IPv6 address. */
export function mapped(address: string): string | undefined {
  return isIPv4(address) ? `${MAPPED_PREFIX}${address}` : undefined;
}

/**
 * The address in a text that may have a port or brackets around it (`192.0.2.1:443`, `[2001:db8::1]:443`), as proxies and
 * logs write it, in the form of `plainAddress`; undefined when there is none. An IPv6 address without brackets has no port.
 */
export function addressIn(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const trimmed = text.trim();
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(trimmed) ?? [];
  return plainAddress(bracketed ?? plain ?? trimmed);
}

/** An address block: the address in the form of `plainAddress` and its prefix length in bits. */
export interface AddressBlock {
  address: string;
  bits: number;
}

/** Parses an address (its block is itself) or a CIDR block; undefined when the text is neither. */
export function parseBlock(text: string): AddressBlock | undefined {
  const [addressText = '', bitsText, ...rest] = text.split('/');
  const address = canonicalAddress(addressText);
  if (address === undefined || rest.length > 0) return undefined;
  const most = address.includes(':') ? 128 : 32;
  if (bitsText !== undefined && (!/^\d{1,3}$/.test(bitsText) || Number(bitsText) > most)) return undefined;
  const bits = bitsText === undefined ? most : Number(bitsText);
  const plain = unmapped(address);
  // A block that is wider than all mapped addresses is one of IPv6.
  return plain === address || bits < MAPPED_BITS
    ? { address, bits }
    : { address: plain, bits: bits - MAPPED_BITS };
}

/**
 * Whether an address in RFC 5952 form lies in the block. A mapped address is its IPv4 address; otherwise families never
 * match each other, as with PostgreSQL's `<<=`.
 */
export function isInBlock(address: string, block: AddressBlock): boolean {
  const plain = unmapped(address);
  if (plain.includes(':') !== block.address.includes(':')) return false;
  return plain.includes(':')
    ? ipaddr.IPv6.parse(plain).match(ipaddr.IPv6.parse(block.address), block.bits)
    : ipaddr.IPv4.parse(plain).match(ipaddr.IPv4.parse(block.address), block.bits);
}

/** The blocks that hold an IPv4 block as it may be stored: as IPv4 addresses, and as mapped ones. */
export function storedBlocks({ address, bits }: AddressBlock): string[] {
  const asMapped = mapped(address);
  const block = `${address}/${bits}`;
  return asMapped === undefined ? [block] : [block, `${asMapped}/${bits + MAPPED_BITS}`];
}

/** Whether a block of IPv6 addresses has the mapped ones in it, which are IPv4 addresses. */
export function holdsMapped({ address, bits }: AddressBlock): boolean {
  if (!address.includes(':') || bits >= MAPPED_BITS) return false;
  return ipaddr.IPv6.parse(`${MAPPED_PREFIX}0:0`).match(ipaddr.IPv6.parse(address), bits);
}

/** The network of an IPv6 address in RFC 5952 form, with a prefix of `bits` bits. An IPv4 address is returned unchanged. */
export function networkOf(address: string, bits: number): string {
  const plain = unmapped(address);
  if (!ipaddr.IPv6.isValid(plain)) return plain;
  return ipaddr.IPv6.networkAddressFromCIDR(`${plain}/${bits}`).toRFC5952String();
}
