import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The RFC 5952 form of an IPv4 or IPv6 address; undefined when the text is not one (`010.1.2.3`, a zone, a host name). */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const hexadecimal = withoutDots(text);
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(hexadecimal)) return undefined;
  const address = ipaddr.IPv6.parse(hexadecimal);
  return address.isIPv4MappedAddress() ? `::ffff:${address.toIPv4Address()}` : address.toRFC5952String();
}

// `::1.2.3.4`, as PostgreSQL prints `::102:304`, is another address than `::ffff:1.2.3.4`, but not to the library.
function withoutDots(text: string): string {
  const tail = /^(.*:)([\d.]+)$/.exec(text);
  if (!tail?.[2]?.includes('.')) return text;
  if (!isIPv4(tail[2])) return '';
  const [a = 0, b = 0, c = 0, d = 0] = tail[2].split('.').map(Number);
  return `${tail[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** An address block: the address in RFC 5952 form and its prefix length in bits. */
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
  if (bitsText === undefined) return { address, bits: most };
  if (!/^\d{1,3}$/.test(bitsText) || Number(bitsText) > most) return undefined;
  return { address, bits: Number(bitsText) };
}

/** Whether an address in RFC 5952 form lies in the block; families never match each other, as with PostgreSQL's `<<=`. */
export function isInBlock(address: string, block: AddressBlock): boolean {
  if (address.includes(':') !== block.address.includes(':')) return false;
  return address.includes(':')
    ? ipaddr.IPv6.parse(address).match(ipaddr.IPv6.parse(block.address), block.bits)
    : ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parse(block.address), block.bits);
}

/** The network of so many bits that an IPv6 address in RFC 5952 form lies in; an IPv4 address is its own. */
export function networkOf(address: string, bits: number): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  return ipaddr.IPv6.networkAddressFromCIDR(`${address}/${bits}`).toRFC5952String();
}
