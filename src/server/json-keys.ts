import { badInput } from '../errors.ts';
import { InexactNumber } from '../parse-json.ts';

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/** An object or array that the walk is in: the keys it had, and the name or index of what comes next. */
interface Place {
  keys: Set<string> | undefined;
  at: string | number;
}

/** The names of the objects and arrays that a value is in, as a path. */
export type Names = readonly (string | number)[];

/**
 * Refuses JSON text in which an object has a key twice: parsing keeps the last and loses what came before it (RFC 8785
 * wants I-JSON, which has no such keys). `members` is how many the text has, `value` what was parsed from it; `namesOf` turns
 * the names in the text into those in the body that it is a part of.
 * Throws BAD_USER_INPUT with the key's path, as an argument is named in it.
 */
export function checkUniqueKeys(
  text: string,
  members: number,
  value: unknown,
  namesOf: (names: Names) => Names = (names) => names,
): void {
  if (countMembers(value) === members) return;
  const names = namesOfRepeatedKey(text);
  throw badInput(names ? pathOf(namesOf(names)) : 'body', 'is a duplicate key');
}

/** How many members the objects of a parsed value have together. */
export function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof InexactNumber) return 0;
  const values = Object.values(value);
  let count = Array.isArray(value) ? 0 : values.length;
  for (const member of values) if (typeof member === 'object') count += countMembers(member);
  return count;
}

function namesOfRepeatedKey(text: string): Names | undefined {
  const places: Place[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const place = places.at(-1);
    if (token === '{') places.push({ keys: new Set(), at: '' });
    else if (token === '[') places.push({ keys: undefined, at: 0 });
    else if (token === '}' || token === ']') places.pop();
    else if (token === ',' && typeof place?.at === 'number') place.at += 1;
    else if (token === ':' && place?.keys) {
      place.at = JSON.parse(last) as string;
      if (place.keys.has(place.at)) return places.map(({ at }) => at);
      place.keys.add(place.at);
    }
    last = token;
  }
  return undefined;
}

// Errors name an argument by its own name, not by the place of its variable.
function pathOf(names: Names): string {
  const own = names[0] === 'variables' && names.length > 1 ? names.slice(1) : names;
  return own
    .map((name, at) => (typeof name === 'number' ? `[${name}]` : at === 0 ? name : `.${name}`))
    .join('');
}
