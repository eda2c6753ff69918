import { randomUUID } from 'node:crypto';
import { badInput } from '../errors.ts';
import { runWhenTurnHasTime } from '../event-loop.ts';
import { countMembers, parseInexactJson, parseJson } from '../parse-json.ts';
import { type JsonList, JsonScan, type ListPart } from './json-bounds.ts';

/** The largest body that is parsed at once, in bytes. */
const SMALL_BYTES = 65_536;
/** Bytes that are scanned in one turn of the event loop. */
const SCAN_BYTES = 262_144;

/**
 * Parses a JSON body of UTF-8. A large body is parsed in parts, so that other requests are served in between: first
 * everything except the lists in its variables, then their elements. `measure` runs and times each part. A number that a
 * double cannot hold becomes an `InexactNumber`, which the field that gets it refuses. Throws BAD_USER_INPUT.
 */
export async function parseJsonBody(body: Buffer, measure: Measure = (piece) => piece()): Promise<unknown> {
  const scan = new JsonScan(body);
  if (body.length <= SMALL_BYTES) {
    return measure(() => {
      scan.advance(body.length);
      return parseWhole(body, scan);
    });
  }
  while (await runWhenTurnHasTime(() => measure(() => scan.advance(SCAN_BYTES)))) {}
  return parseInParts(body, scan, measure);
}

/** Parses small JSON by the same rules. `path` is the path of errors about the whole text. */
export function parseSmallJson(text: string, path: string): unknown {
  const body = Buffer.from(text);
  const scan = new JsonScan(body);
  scan.advance(body.length);
  return parseWhole(body, scan, path);
}

/** Runs a piece of work and measures its time. */
type Measure = <T>(piece: () => T) => T;

function parseWhole(body: Buffer, { members, lists, isInexact }: JsonScan, path = 'body'): unknown {
  const text = body.toString('utf8');
  const value = parse(text, { isInexact, path });
  const inLists = lists.flatMap(({ parts }) => parts).reduce((sum, part) => sum + part.members, 0);
  checkUniqueKeys(text, members + inLists, value);
  return value;
}

/** A list that is not parsed yet, its path in the value, and the array for its elements. */
interface Pending {
  names: Names;
  list: JsonList;
  elements: unknown[];
}

async function parseInParts(body: Buffer, scan: JsonScan, measure: Measure): Promise<unknown> {
  const { value, pending } = await runWhenTurnHasTime(() => measure(() => parseFrame(body, scan)));
  for (const { names, list, elements } of pending) {
    for (const part of list.parts) {
      const parsed = await runWhenTurnHasTime(() =>
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

/** Parses everything but the lists, in whose places it puts empty arrays. */
function parseFrame(
  body: Buffer,
  { lists, members, isInexact }: JsonScan,
): { value: unknown; pending: Pending[] } {
  const mark = randomUUID();
  const frame = withMarks(body, lists, mark);
  const value = parse(frame, { isInexact });
  checkUniqueKeys(frame, members, value);
  return { value, pending: [...replaceMarks(value, { lists, mark })] };
}

/** The text with a string in the place of each list: a random mark and the number of the list. */
function withMarks(body: Buffer, lists: readonly JsonList[], mark: string): string {
  let text = '';
  let from = 0;
  for (const [index, { start, end }] of lists.entries()) {
    text += `${body.toString('utf8', from, start)}"${mark}:${index}"`;
    from = end;
  }
  return text + body.toString('utf8', from);
}

/** Replaces the marks in a value, down to its third level, by empty arrays. */
function* replaceMarks(
  parent: unknown,
  marked: { lists: readonly JsonList[]; mark: string },
  names: Names = [],
): Generator<Pending, void> {
  if (typeof parent !== 'object' || parent === null) return;
  for (const [name, member] of Object.entries(parent)) {
    if (typeof member !== 'string') {
      if (names.length < 2) yield* replaceMarks(member, marked, [...names, name]);
    } else if (member.startsWith(marked.mark)) {
      const list = marked.lists[Number(member.slice(marked.mark.length + 1))] as JsonList;
      const elements: unknown[] = [];
      (parent as Record<string, unknown>)[name] = elements;
      yield { names: [...names, name], list, elements };
    }
  }
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

/** An object or array around the current token: its keys so far, and the name or index of the current member. */
interface Container {
  keys: Set<string> | undefined;
  at: string | number;
}

/** The path of a value: names of members and indexes of elements. */
export type Names = readonly (string | number)[];

/**
 * Refuses JSON text with a duplicate key in an object: JSON.parse keeps the last value only (RFC 8785 requires I-JSON,
 * without duplicate keys). `members` is the number of members in the text, `value` the parsed text. `namesOf` turns a path in
 * the text into the path in the whole body. Throws BAD_USER_INPUT with the path of the key, in arguments' names.
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

function namesOfRepeatedKey(text: string): Names | undefined {
  const containers: Container[] = [];
  let previous = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const container = containers.at(-1);
    if (token === '{') containers.push({ keys: new Set(), at: '' });
    else if (token === '[') containers.push({ keys: undefined, at: 0 });
    else if (token === '}' || token === ']') containers.pop();
    else if (token === ',' && typeof container?.at === 'number') container.at += 1;
    else if (token === ':' && container?.keys) {
      container.at = JSON.parse(previous) as string;
      if (container.keys.has(container.at)) return containers.map(({ at }) => at);
      container.keys.add(container.at);
    }
    previous = token;
  }
  return undefined;
}

// Without `variables`: errors name an argument by its own name.
function pathOf(names: Names): string {
  const own = names[0] === 'variables' && names.length > 1 ? names.slice(1) : names;
  return own
    .map((name, at) => (typeof name === 'number' ? `[${name}]` : at === 0 ? name : `.${name}`))
    .join('');
}
