import { randomUUID } from 'node:crypto';
import { badInput } from '../errors.ts';
import { inOneTurn } from '../event-loop.ts';
import { InexactNumber, parseInexactJson, parseJson } from '../parse-json.ts';
import { type JsonList, JsonScan, type ListPart } from './json-bounds.ts';

/** A smaller body is read at once. */
const SMALL_BYTES = 65_536;
/** Bytes that are looked through in one turn of the event loop. */
const SCAN_BYTES = 262_144;

/**
 * Parses a JSON body of UTF-8. A large one is parsed in parts, a few at a time, so that others are served in between:
 * first what stands around the lists in its variables, then their elements. `measure` does each part. A number that a
 * double would change is an `InexactNumber`, for whoever uses it to refuse. Throws BAD_USER_INPUT.
 */
export async function parseJsonBody(body: Buffer, measure: Measure = (piece) => piece()): Promise<unknown> {
  const scan = new JsonScan(body);
  if (body.length <= SMALL_BYTES) {
    return measure(() => {
      scan.advance(body.length);
      return parseWhole(body, scan);
    });
  }
  while (await inOneTurn(() => measure(() => scan.advance(SCAN_BYTES)))) {}
  return parseInParts(body, scan, measure);
}

/** Parses JSON that is known to be small, likewise. `path` names it in an error about all of it. */
export function parseSmallJson(text: string, path: string): unknown {
  const body = Buffer.from(text);
  const scan = new JsonScan(body);
  scan.advance(body.length);
  return parseWhole(body, scan, path);
}

/** Does a piece of work and measures it. */
type Measure = <T>(piece: () => T) => T;

function parseWhole(body: Buffer, { members, lists, isInexact }: JsonScan, path = 'body'): unknown {
  const text = body.toString('utf8');
  const value = parse(text, { isInexact, path });
  const inLists = lists.flatMap(({ parts }) => parts).reduce((sum, part) => sum + part.members, 0);
  checkUniqueKeys(text, members + inLists, value);
  return value;
}

/** A list that is still to be parsed, and its place in the value. */
interface Pending {
  names: Names;
  list: JsonList;
  elements: unknown[];
}

async function parseInParts(body: Buffer, scan: JsonScan, measure: Measure): Promise<unknown> {
  const { value, pending } = await inOneTurn(() => measure(() => parseFrame(body, scan)));
  for (const { names, list, elements } of pending) {
    for (const part of list.parts) {
      const parsed = await inOneTurn(() =>
        measure(() =>
          parsePart(body, part, { list: [...names], before: elements.length, isInexact: scan.isInexact }),
        ),
      );
      const isEmpty = list.parts.length === 1 && part.elements === 1 && parsed.length === 0;
      if (parsed.length !== part.elements && !isEmpty) throw notJson();
      for (const element of parsed) elements.push(element);
    }
  }
  return value;
}

// In the place of each list there is a text that is nowhere else.
function parseFrame(
  body: Buffer,
  { lists, members, isInexact }: JsonScan,
): { value: unknown; pending: Pending[] } {
  const mark = randomUUID();
  let frame = '';
  let from = 0;
  lists.forEach(({ start, end }, index) => {
    frame += `${body.toString('utf8', from, start)}"${mark}:${index}"`;
    from = end;
  });
  frame += body.toString('utf8', from);
  const value = parse(frame, { isInexact });
  checkUniqueKeys(frame, members, value);
  const pending: Pending[] = [];
  const put = (parent: unknown, names: Names) => {
    if (typeof parent !== 'object' || parent === null) return;
    for (const [name, member] of Object.entries(parent)) {
      if (typeof member !== 'string') {
        if (names.length < 2) put(member, [...names, name]);
      } else if (member.startsWith(mark)) {
        const list = lists[Number(member.slice(mark.length + 1))] as JsonList;
        const elements: unknown[] = [];
        (parent as Record<string, unknown>)[name] = elements;
        pending.push({ names: [...names, name], list, elements });
      }
    }
  };
  put(value, []);
  return { value, pending };
}

function parsePart(
  body: Buffer,
  { start, end, members }: ListPart,
  { list, before, isInexact }: { list: Names; before: number; isInexact: boolean },
): unknown[] {
  const text = `[${body.toString('utf8', start, end)}]`;
  const value = parse(text, { isInexact }) as unknown[];
  checkUniqueKeys(text, members, value, ([index, ...names]) => [...list, before + Number(index), ...names]);
  return value;
}

function parse(text: string, { isInexact, path = 'body' }: { isInexact: boolean; path?: string }): unknown {
  try {
    return isInexact ? parseInexactJson(text) : parseJson(text);
  } catch {
    throw notJson(path);
  }
}

function notJson(path = 'body') {
  return badInput(path, 'is not valid JSON');
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/** An object or array that the walk is in: the keys it had, and the name or index of what comes next. */
interface Container {
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
  const places: Container[] = [];
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
