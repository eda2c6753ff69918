import { HASH_BYTES, leafHash } from '../../../merkle/hash.ts';

/** The byte that ends a line. */
export const NEWLINE = 0x0a;

/** The lines in some bytes, without their newlines. */
export function* linesIn(bytes: Uint8Array): Generator<Uint8Array, void> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < view.length; ) {
    const newline = view.indexOf(NEWLINE, start);
    const end = newline < 0 ? view.length : newline;
    yield view.subarray(start, end);
    start = end + 1;
  }
}

/** The leaf hashes of the lines, one after the other: of their bytes as they are, without the newline. */
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

/** The hashes that stand one after the other in some bytes. */
export function hashesIn(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, at) =>
    bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}
