import { decodeBase64, encodeBase64, FormatError, parseDecimal } from './encoding.ts';
import { TILE_WIDTH, type Tile } from './tile.ts';

/** A bundle of log entries: those of the tile of level 0 with the same index and width. */
export type EntryBundle = Omit<Tile, 'level'>;

/** An index in groups of three digits, all but the last with an x before it: 1234067 is `x001/x234/067`. */
function formatIndex(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) as string[];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

function formatWidth(width: number): string {
  return width === TILE_WIDTH ? '' : `.p/${width}`;
}

/**
 * The path of a tile below a log's prefix, such as `tile/0/x001/x234/067` or, of a partial one, `tile/1/000.p/17`
 * (C2SP tlog-tiles, "Merkle Tree").
 */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${formatIndex(index)}${formatWidth(width)}`;
}

/** The path of a bundle of entries below a log's prefix, such as `tile/entries/x001/x234/067`. */
export function entriesPath({ index, width }: EntryBundle): string {
  return `tile/entries/${formatIndex(index)}${formatWidth(width)}`;
}

const PATH = /^tile\/([0-9]{1,2}|entries)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

function parsePath(path: string) {
  const [, place, groups, partial] = PATH.exec(path) ?? [];
  if (place === undefined || groups === undefined) return undefined;
  const index = parseDecimal(groups.replace(/[x/]/g, '').replace(/^0+(?=[0-9])/, ''));
  const width = partial === undefined ? TILE_WIDTH : parseDecimal(partial);
  return index === undefined || width === undefined ? undefined : { place, index, width };
}

/** Refuses other spellings (`x000/001`, `00`, `.p/256`, `.p/0`): the parsed path must format to the same text. */
function isCanonical(width: number, path: string, formatted: string): boolean {
  return width >= 1 && path === formatted;
}

/** The tile that a path names, or undefined when it does not name one in exactly the form of `tilePath`. */
export function parseTilePath(path: string): Tile | undefined {
  const parsed = parsePath(path);
  if (parsed === undefined || parsed.place === 'entries') return undefined;
  const tile = { level: Number(parsed.place), index: parsed.index, width: parsed.width };
  return tile.level <= 63 && isCanonical(tile.width, path, tilePath(tile)) ? tile : undefined;
}

/** The bundle that a path names, or undefined when it does not name one in exactly the form of `entriesPath`. */
export function parseEntriesPath(path: string): EntryBundle | undefined {
  const parsed = parsePath(path);
  if (parsed?.place !== 'entries') return undefined;
  const bundle = { index: parsed.index, width: parsed.width };
  return isCanonical(bundle.width, path, entriesPath(bundle)) ? bundle : undefined;
}

/** The largest entry that an entry bundle can hold, in bytes: its length is a uint16. */
export const MAX_ENTRY_BYTES = 65_535;

/**
 * An entry bundle: each entry after its length as a big-endian uint16 (C2SP tlog-tiles, "Log entries"). Throws a
 * RangeError when an entry exceeds `MAX_ENTRY_BYTES`.
 */
export function formatEntries(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw new RangeError('an entry of a bundle has at most 65,535 bytes');
    view.setUint16(offset, entry.length);
    bytes.set(entry, offset + 2);
    offset += 2 + entry.length;
  }
  return bytes;
}

/** The entries of a bundle, as views of its bytes. Throws a FormatError when the bundle ends inside of one. */
export function parseEntries(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset + 2;
    const end = start <= bytes.length ? start + view.getUint16(offset) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new FormatError('the bundle ends inside an entry');
    entries.push(bytes.subarray(start, end));
    offset = end;
  }
  return entries;
}

const FOLDER = 'customers-by-id';
// Of multibase: base64url without padding. So the segment of the empty ID is not empty.
const PREFIX = 'u';

/**
 * The path of a customer's tree below a log's URL, such as `customers-by-id/uLi4` for the customer `..`. It consists of
 * only unreserved characters and has no dot segment, so that no client or proxy rewrites it (RFC 3986, 6.2.2; URL Standard,
 * "double-dot path segment").
 */
export function customerPath(customerId: string): string {
  const text = encodeBase64(new TextEncoder().encode(customerId));
  return `${FOLDER}/${PREFIX}${text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/** The customer that the last segment of such a path names; undefined for any other segment. */
export function parseCustomerSegment(segment: string): string | undefined {
  if (!/^u[\w-]*$/.test(segment)) return undefined;
  const text = segment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
  const bytes = decodeBase64(text.padEnd(Math.ceil(text.length / 4) * 4, '='));
  const customerId = bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return customerId !== undefined && customerPath(customerId) === `${FOLDER}/${segment}`
    ? customerId
    : undefined;
}

/** Whether a path or URL has a dot segment. Clients remove it with the segment before it, and request another path. */
export function hasDotSegment(path: string): boolean {
  return /(?:^|[/\\])(?:\.|%2e){1,2}(?=$|[/\\?#])/i.test(path);
}
