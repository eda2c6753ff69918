import type { JsonValue } from '../../events/event.ts';
import { isExactNumber, parseJson, replaceNumbers } from '../../parse-json.ts';

/** JSON text read, and where numbers in it became texts because JavaScript cannot hold them. */
export interface ParsedJson {
  value: JsonValue;
  /** The path of one of them, such as `details.list[3]`; undefined: there is none. */
  keptAsText: string | undefined;
}

const SUSPECT = /\d[\d.]{15}|\d[eE]/;

/**
 * Reads JSON without changing a number in silence: an integer beyond 2^53 - 1, and any other number that a double cannot
 * hold exactly, become texts with the same digits. Throws a SyntaxError when the text is not JSON.
 */
export function parseExactly(text: string): ParsedJson {
  const value = parseJson(text) as JsonValue;
  if (!SUSPECT.test(text)) return { value, keptAsText: undefined };
  let first: string | undefined;
  const safe = replaceNumbers(text, (token) => {
    if (isKept(token)) return token;
    first ??= token;
    return `"${token}"`;
  });
  if (first === undefined) return { value, keptAsText: undefined };
  const exact = parseJson(safe) as JsonValue;
  return { value: exact, keptAsText: pathOf(exact, first) };
}

function isKept(token: string): boolean {
  const number = Number(token);
  return (!Number.isInteger(number) || Number.isSafeInteger(number)) && isExactNumber(token);
}

// Without recursion: a record may be as deep as it is long.
function pathOf(value: JsonValue, text: string): string {
  const places: { value: JsonValue; path: string }[] = [{ value, path: '' }];
  for (let place = places.pop(); place; place = places.pop()) {
    const { value, path } = place;
    if (value === text) return path;
    if (typeof value !== 'object' || value === null) continue;
    const members = Object.entries(value).map(([name, member]) => ({
      value: member,
      path: Array.isArray(value) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`,
    }));
    for (const member of members.reverse()) places.push(member);
  }
  return '';
}
