/** The shortest run of base64 that is decoded. */
export const MIN_WRAPPED = 22;

// So many characters of a run are looked at before the rest is decoded.
const PROBED = 16;
// The value of each character of base64 and base64url, by its code.
const SEXTETS = new Int8Array(128).fill(-1);
for (const [value, character] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
].entries()) {
  SEXTETS[character.charCodeAt(0)] = value;
}
for (const character of '+-') SEXTETS[character.charCodeAt(0)] = 62;
for (const character of '/_') SEXTETS[character.charCodeAt(0)] = 63;

/** Whether a run of base64 or base64url is a text of which `holds` says that it holds a secret. */
export function isWrappedText(
  text: string,
  start: number,
  end: number,
  holds: (decoded: string) => boolean,
): boolean {
  if (end - start < MIN_WRAPPED || !beginsAsText(text, start)) return false;
  return holds(Buffer.from(text.slice(start, end), 'base64').toString('latin1'));
}

// Hashes and ids are base64 of bytes, half of which are no ASCII.
function beginsAsText(text: string, start: number): boolean {
  for (let at = start; at < start + PROBED; at += 4) {
    const bits =
      (sextetAt(text, at) << 18) |
      (sextetAt(text, at + 1) << 12) |
      (sextetAt(text, at + 2) << 6) |
      sextetAt(text, at + 3);
    if ((bits & 0x808080) !== 0) return false;
    if (!isPrintable(bits >> 16) || !isPrintable((bits >> 8) & 0xff) || !isPrintable(bits & 0xff))
      return false;
  }
  return true;
}

function sextetAt(text: string, at: number): number {
  return SEXTETS[text.charCodeAt(at)] as number;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 ? byte < 0x7f : byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
