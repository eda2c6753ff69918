import { FormatError } from './format-error.ts';

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
