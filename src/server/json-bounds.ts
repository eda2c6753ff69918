import { badInput } from '../errors.ts';
import { isExactNumber } from '../parse-json.ts';

/** Deepest nesting of a message: an event's details may have 32 levels, and stand inside others. */
const MAX_DEPTH = 64;
/** Most members and elements of a body, all levels together. */
const MAX_VALUES = 1_000_000;
/**
 * Most members and elements of a piece that is parsed in one call: a message over WebSocket, an element of a list in the
 * variables (an event has 30,000 at most), and everything outside such lists. Parsing such a piece takes up to 50 ms.
 */
const MAX_VALUES_AT_ONCE = 40_000;
/** Most bytes of such a piece. The largest event, with all characters escaped, is smaller. */
const MAX_BYTES_AT_ONCE = 2_097_152;
/** Longest string of a message, in bytes as it is sent. No event may hold a longer one. */
const MAX_STRING_BYTES = 1_048_576;

/** The level of a list in the variables: `{"variables":{"input":[`. */
const LIST_DEPTH = 3;
/** A part of a list ends with the element that reaches one of these sizes. */
const PART = { bytes: 32_768, values: 2_000 };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const POINT = 0x2e;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/** 1 for the bytes outside of strings that the scan stops at. Of numbers, only a point or an exponent. */
const IS_MARK = tableOf([
  QUOTE,
  COLON,
  COMMA,
  OPEN_ARRAY,
  CLOSE_ARRAY,
  OPEN_OBJECT,
  CLOSE_OBJECT,
  POINT,
  UPPER_E,
  LOWER_E,
]);
/** 1 for the bytes that a number consists of. */
const IS_OF_NUMBER = tableOf(Buffer.from('0123456789+-.eE'));

function tableOf(bytes: Iterable<number>): Uint8Array {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
}

/** The longest number with a point, in bytes, that a double certainly holds: it has at most 15 digits. */
const SURE_BYTES = 16;

/** Elements of a list that are parsed together: their place, their number, and the number of their members. */
export interface ListPart {
  start: number;
  end: number;
  elements: number;
  members: number;
}

/** A list in the variables: its place, with the brackets. */
export interface JsonList {
  start: number;
  end: number;
  parts: ListPart[];
}

/**
 * Checks the limits of JSON text before it is parsed, in one pass over the bytes. The parser finds out whether the text is
 * JSON. Throws BAD_USER_INPUT at `body`.
 */
export class JsonScan {
  /** The lists in the variables, which can be parsed part by part. */
  readonly lists: JsonList[] = [];
  /** The number of members of all objects outside of `lists`. */
  members = 0;
  /** Whether a number was found that a double cannot hold. Integers are not checked here. */
  isInexact = false;
  readonly #json: Buffer;
  #at = 0;
  #depth = 0;
  #values = 0;
  #valuesOutside = 0;
  #bytesInside = 0;
  #list: JsonList | undefined;
  #part: ListPart = { start: 0, end: 0, elements: 1, members: 0 };
  #partValues = 0;

  constructor(json: Buffer) {
    this.#json = json;
  }

  /** Scans about `bytes` bytes. Returns whether more are left. */
  advance(bytes: number): boolean {
    const json = this.#json;
    const until = Math.min(json.length, this.#at + bytes);
    let at = this.#at;
    for (; at < until; at += 1) {
      const byte = json[at] as number;
      if (IS_MARK[byte] === 0) continue;
      if (byte === QUOTE) at = endOfString(json, at);
      else if (byte === COLON) this.#countMember();
      else if (byte === COMMA) this.#comma(at);
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(at, byte === OPEN_ARRAY);
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#close(at, byte === CLOSE_ARRAY);
      else at = this.#number(at);
    }
    this.#at = at;
    return at < json.length || this.#end();
  }

  // Called at the first point or exponent of a number, and skips the rest of it. The `e` of `true` also leads here.
  #number(at: number): number {
    const json = this.#json;
    let start = at;
    while (start > 0 && IS_OF_NUMBER[json[start - 1] as number] === 1) start -= 1;
    let end = at;
    while (end < json.length && IS_OF_NUMBER[json[end] as number] === 1) end += 1;
    if (start === at || this.isInexact) return end - 1;
    const isShort = end - start <= SURE_BYTES && json[at] === POINT && !hasExponent(json, at, end);
    if (!isShort) this.isInexact = !isExactNumber(json.toString('latin1', start, end));
    return end - 1;
  }

  #countMember(): void {
    if (this.#list) this.#part.members += 1;
    else this.members += 1;
  }

  #countValue(): void {
    this.#values += 1;
    if (this.#list) this.#partValues += 1;
    else this.#valuesOutside += 1;
    if (this.#values > MAX_VALUES) throw badInput('body', `has more than ${MAX_VALUES} members and elements`);
  }

  #open(at: number, isArray: boolean): void {
    this.#depth += 1;
    this.#countValue();
    if (this.#depth > MAX_DEPTH) throw badInput('body', `is nested deeper than ${MAX_DEPTH} levels`);
    if (this.#depth !== LIST_DEPTH || !isArray) return;
    this.#list = { start: at, end: at, parts: [] };
    this.#begin(at + 1);
  }

  #comma(at: number): void {
    this.#countValue();
    if (!this.#list || this.#depth !== LIST_DEPTH) return;
    if (at - this.#part.start >= PART.bytes || this.#partValues >= PART.values) {
      this.#finish(at);
      this.#begin(at + 1);
    } else this.#part.elements += 1;
  }

  #close(at: number, isArray: boolean): void {
    if (this.#list && this.#depth === LIST_DEPTH) {
      if (!isArray) throw badInput('body', 'is not valid JSON');
      this.#finish(at);
      this.#list.end = at + 1;
      this.#bytesInside += this.#list.end - this.#list.start;
      this.lists.push(this.#list);
      this.#list = undefined;
    }
    this.#depth -= 1;
  }

  #begin(start: number): void {
    this.#part = { start, end: start, elements: 1, members: 0 };
    this.#partValues = 0;
  }

  #finish(end: number): void {
    this.#part.end = end;
    checkAtOnce(this.#partValues, end - this.#part.start, 'an element');
    this.#list?.parts.push(this.#part);
  }

  #end(): false {
    // A list without an end is parsed with the rest, which is not JSON.
    if (this.#list) this.#finish(this.#json.length);
    checkAtOnce(this.#valuesOutside, this.#json.length - this.#bytesInside, 'outside of lists');
    return false;
  }
}

function checkAtOnce(values: number, bytes: number, where: string): void {
  if (values > MAX_VALUES_AT_ONCE)
    throw badInput('body', `has more than ${MAX_VALUES_AT_ONCE} members and elements in ${where}`);
  if (bytes > MAX_BYTES_AT_ONCE)
    throw badInput('body', `has more than ${MAX_BYTES_AT_ONCE} bytes in ${where}`);
}

/**
 * Checks the limits of a message that is parsed at once. Returns the number of members of all its objects, and whether it
 * has a number that a double cannot hold.
 */
export function checkJsonBounds(json: Buffer): { members: number; isInexact: boolean } {
  const scan = new JsonScan(json);
  scan.advance(json.length);
  const members = scan.lists.reduce(
    (sum, { parts }) => parts.reduce((inLists, part) => inLists + part.members, sum),
    scan.members,
  );
  return { members, isInexact: scan.isInexact };
}

function hasExponent(json: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (json[at] === UPPER_E || json[at] === LOWER_E) return true;
  return false;
}

function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  if (at - start > MAX_STRING_BYTES)
    throw badInput('body', `holds a string of more than ${MAX_STRING_BYTES} bytes`);
  return at;
}
