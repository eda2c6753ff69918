import { HASH_BYTES, leafHash } from '../merkle/hash.ts';
import { MAX_ENTRY_BYTES } from '../merkle/tile-files.ts';

const PART_BYTES = 512 * 1024;

/** A file that is not an export of events. */
export class NoExportError extends Error {
  override readonly name = 'NoExportError';
}

/**
 * Cuts a stream of bytes into parts of whole lines, each of half a mebibyte or more. The bytes after the last newline are
 * the last part. Throws a NoExportError at a line that is too long for an event.
 */
export async function* wholeLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of source) {
    parts.push(part);
    bytes += part.length;
    if (bytes < PART_BYTES) continue;
    const end = part.lastIndexOf(NEWLINE) + 1;
    if (end === 0 && bytes > PART_BYTES + MAX_ENTRY_BYTES)
      throw new NoExportError(`it has a line of more than ${MAX_ENTRY_BYTES} bytes, which is no event`);
    if (end === 0) continue;
    const rest = part.slice(end);
    yield joined(parts, bytes - rest.length);
    parts = rest.length > 0 ? [rest] : [];
    bytes = rest.length;
  }
  if (bytes > 0) yield joined(parts, bytes);
}

// Always copied, so that the bytes can be transferred to another thread.
function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part.subarray(0, length - at), at);
    at += Math.min(part.length, length - at);
  }
  return bytes;
}

/** The byte that ends a line. */
export const NEWLINE = 0x0a;

/** The lines in the bytes, without their newlines. */
export function* linesIn(bytes: Uint8Array): Generator<Uint8Array, void> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < view.length; ) {
    const newline = view.indexOf(NEWLINE, start);
    const end = newline < 0 ? view.length : newline;
    yield view.subarray(start, end);
    start = end + 1;
  }
}

/** The concatenated leaf hashes of the lines, computed from their bytes without the newline. */
export function hashLines(bytes: Uint8Array): Uint8Array {
  let hashes = new Uint8Array(1_024 * HASH_BYTES);
  let length = 0;
  for (const line of linesIn(bytes)) {
    if (length === hashes.length) {
      const larger = new Uint8Array(2 * hashes.length);
      larger.set(hashes);
      hashes = larger;
    }
    hashes.set(leafHash(line), length);
    length += HASH_BYTES;
  }
  return hashes.slice(0, length);
}

/** Splits concatenated hashes. */
export function hashesIn(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, at) =>
    bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}
