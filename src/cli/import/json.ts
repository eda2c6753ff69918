import { parseJson } from '../../parse-json.ts';
import type { JsonValue } from './input.ts';

/** JSON text read, and whether numbers in it became texts because JavaScript cannot hold them. */
export interface ParsedJson {
  value: JsonValue;
  keptAsText: boolean;
}

const SUSPECT = /\d{16}|\d[eE]\+?\d/;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/**
 * Reads JSON without changing a number in silence: an integer beyond 2^53 - 1 and a number too large for a double
 * become texts with the same digits. Throws a SyntaxError when the text is not JSON.
 */
export function parseExactly(text: string): ParsedJson {
  const value = parseJson(text) as JsonValue;
  if (!SUSPECT.test(text)) return { value, keptAsText: false };
  let keptAsText = false;
  const safe = text.replace(TOKEN, (token) => {
    if (token.startsWith('"') || isExact(token)) return token;
    keptAsText = true;
    return `"${token}"`;
  });
  return keptAsText ? { value: parseJson(safe) as JsonValue, keptAsText } : { value, keptAsText };
}

function isExact(token: string): boolean {
  const number = Number(token);
  return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
}
