/** A tile path, note, checkpoint, proof or key that does not have the form its specification asks for. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/**
 * The number that `text` writes in ASCII decimal without sign or leading zeroes, as the C2SP formats ask for, or
 * undefined when it is written otherwise or exceeds 2^53 - 1.
 */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

const SHAPE = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

// String.fromCharCode takes its bytes as arguments, of which there cannot be arbitrarily many.
const CHUNK_BYTES = 8_192;

/** Standard base64 with padding (RFC 4648, section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK_BYTES));
  }
  return btoa(binary);
}

/**
 * The bytes of standard base64 with padding, or undefined for anything that `encodeBase64` would not have written:
 * white space, missing padding, the URL alphabet, or unused bits that are not zero.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!SHAPE.test(text)) return undefined;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return encodeBase64(bytes) === text ? bytes : undefined;
}
