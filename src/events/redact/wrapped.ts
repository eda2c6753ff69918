import type { Span } from './spans.ts';

const RUN = /[A-Za-z0-9+/_-]{24,}={0,2}/g;
const MIN_LENGTH = 24;
// So many bytes of a text are looked at before the rest is decoded.
const PROBED = 12;
// The value of each character of base64 and base64url, by its code.
const SEXTETS = new Int8Array(128).fill(-1);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'].entries()) {
  SEXTETS[character.charCodeAt(0)] = value;
}
for (const character of '+-') SEXTETS[character.charCodeAt(0)] = 62;
for (const character of '/_') SEXTETS[character.charCodeAt(0)] = 63;

/** Adds the runs of base64 that are a text, of which `holds` says that it holds a secret. */
export function findWrapped(text: string, holds: (decoded: string) => boolean, found: Span[]): void {
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (isWrapped(run, holds)) {
      found.push({ start: index, end: index + run.length });
      continue;
    }
    // After a path or a name: v1/ZXlK..., job_ZXlK...
    let start = index;
    for (const part of run.split(/[/_-]/)) {
      if (part.length < run.length && isWrapped(part, holds)) found.push({ start, end: start + part.length });
      start += part.length + 1;
    }
  }
}

function isWrapped(run: string, holds: (decoded: string) => boolean): boolean {
  return run.length >= MIN_LENGTH && beginsAsText(run) && holds(Buffer.from(run, 'base64').toString('latin1'));
}

// Hashes and ids are base64 of bytes, half of which are no ASCII.
function beginsAsText(run: string): boolean {
  for (let at = 0; at < PROBED; at += 3) {
    const quad = (at / 3) * 4;
    const bits =
      ((SEXTETS[run.charCodeAt(quad)] as number) << 18) |
      ((SEXTETS[run.charCodeAt(quad + 1)] as number) << 12) |
      ((SEXTETS[run.charCodeAt(quad + 2)] as number) << 6) |
      (SEXTETS[run.charCodeAt(quad + 3)] as number);
    // Negative, or a byte with its highest bit.
    if (bits < 0 || (bits & 0x808080) !== 0) return false;
    if (!isPrintable(bits >> 16) || !isPrintable((bits >> 8) & 0xff) || !isPrintable(bits & 0xff)) return false;
  }
  return true;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 ? byte < 0x7f : byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
