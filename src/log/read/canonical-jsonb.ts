import { canonicalJson } from '../../events/canonical.ts';
import type { JsonValue } from '../../events/fields.ts';
import { parseJson } from '../../parse-json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const POINT = 0x2e;
const LAST_ASCII = 0x7f;
const TINY = Buffer.from('0.000000');

/**
 * The limits of the direct conversion: characters of a number, members of an object, levels, and members of an object together
 * with those of the objects around it. Documents beyond a limit are parsed instead. So the reader does not depend on
 * `MAX_JSON_DEPTH`, the bound of new documents, which may change while old ones are stored.
 */
const MAX_PLAIN_NUMBER = 15;
const MAX_PLAIN_MEMBERS = 64;
const MAX_PLAIN_LEVELS = 64;
const MAX_PLAIN_NESTED_MEMBERS = 2_048;
/** Numbers per member on the stack: start and end of the key with its quotes, start and end of the value. */
const SPAN = 4;

/**
 * Writes `jsonb` text in the canonical form of RFC 8785, without parsing it to values. PostgreSQL's text differs in three
 * ways: it has spaces, its keys are ordered by length, and its numbers are decimal (1e-7 is 0.0000001, 1.50 keeps its
 * zero). Strings are escaped the same way.
 */
export class CanonicalJsonb {
  #source: Buffer = Buffer.alloc(0);
  #out: Buffer = Buffer.alloc(0);
  #end = 0;
  #isPlain = true;
  /** A stack of the members of the objects that are being written, from the outermost to the innermost. */
  readonly #spans = new Int32Array(MAX_PLAIN_NESTED_MEMBERS * SPAN);
  #top = 0;
  #levels = 0;

  /**
   * Writes the text between `start` and `end` of `source` to `out` at `outAt`, where four times as many bytes must be free.
   * Returns the end of the output.
   */
  write(source: Buffer, start: number, end: number, out: Buffer, outAt: number): number {
    this.#source = source;
    this.#out = out;
    this.#end = outAt;
    this.#isPlain = true;
    this.#top = 0;
    this.#levels = 0;
    this.#value(start, end);
    if (this.#isPlain) return this.#end;
    const value = parseJson(source.toString('utf8', start, end)) as JsonValue;
    return outAt + out.write(canonicalJson(value), outAt);
  }

  #value(start: number, end: number): void {
    const first = this.#source[start] as number;
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) this.#nested(start, first);
    else if (first === MINUS || (first >= ZERO && first <= NINE)) this.#number(start, end);
    else this.#copy(start, end);
  }

  #nested(start: number, first: number): void {
    if (this.#levels === MAX_PLAIN_LEVELS) this.#isPlain = false;
    if (!this.#isPlain) return;
    this.#levels += 1;
    if (first === OPEN_OBJECT) this.#object(start);
    else this.#array(start);
    this.#levels -= 1;
  }

  #copy(start: number, end: number): void {
    const source = this.#source;
    const out = this.#out;
    let to = this.#end;
    for (let from = start; from < end; from += 1) out[to++] = source[from] as number;
    this.#end = to;
  }

  #number(start: number, end: number): void {
    if (end - start <= MAX_PLAIN_NUMBER && isPlainNumber(this.#source, start, end)) this.#copy(start, end);
    else this.#end += this.#out.write(String(Number(this.#source.toString('latin1', start, end))), this.#end);
  }

  #array(start: number): void {
    const source = this.#source;
    this.#out[this.#end++] = OPEN_ARRAY;
    for (let at = start + 1; source[at] !== CLOSE_ARRAY; ) {
      const valueEnd = endOfValue(source, at);
      this.#value(at, valueEnd);
      at = valueEnd;
      if (source[at] !== COMMA) break;
      this.#out[this.#end++] = COMMA;
      at += 2;
    }
    this.#out[this.#end++] = CLOSE_ARRAY;
  }

  #object(start: number): void {
    const base = this.#top;
    this.#findMembers(start);
    const spans = this.#spans;
    this.#out[this.#end++] = OPEN_OBJECT;
    for (let span = base; span < this.#top && this.#isPlain; span += SPAN) {
      if (span > base) this.#out[this.#end++] = COMMA;
      this.#copy(spans[span] as number, spans[span + 1] as number);
      this.#out[this.#end++] = COLON;
      this.#value(spans[span + 2] as number, spans[span + 3] as number);
    }
    this.#out[this.#end++] = CLOSE_OBJECT;
    this.#top = base;
  }

  // Pushes the members of the object, in the order of their keys.
  #findMembers(start: number): void {
    const source = this.#source;
    const base = this.#top;
    for (let at = start + 1; source[at] !== CLOSE_OBJECT; at += 2) {
      const keyEnd = endOfKey(source, at);
      const isFull = this.#top - base === MAX_PLAIN_MEMBERS * SPAN || this.#top === this.#spans.length;
      if (keyEnd < 0 || isFull) {
        this.#isPlain = false;
        return;
      }
      const valueEnd = endOfValue(source, keyEnd + 2);
      this.#insert(base, at, keyEnd, valueEnd);
      at = valueEnd;
      if (source[at] !== COMMA) return;
    }
  }

  #insert(base: number, keyStart: number, keyEnd: number, valueEnd: number): void {
    const spans = this.#spans;
    let place = this.#top;
    this.#top += SPAN;
    while (place > base && compareKeys(this.#source, keyStart, spans[place - SPAN] as number) < 0) {
      for (let field = 0; field < SPAN; field += 1)
        spans[place + field] = spans[place + field - SPAN] as number;
      place -= SPAN;
    }
    spans[place] = keyStart;
    spans[place + 1] = keyEnd;
    // After the colon and the space.
    spans[place + 2] = keyEnd + 2;
    spans[place + 3] = valueEnd;
  }
}

// Up to 15 digits, the shortest text of a double is the decimal itself, except with trailing zeros and below 0.000001.
function isPlainNumber(source: Buffer, start: number, end: number): boolean {
  let hasPoint = false;
  for (let at = start; at < end; at += 1) if (source[at] === POINT) hasPoint = true;
  return !hasPoint || (source[end - 1] !== ZERO && !isTiny(source, start));
}

function isTiny(source: Buffer, start: number): boolean {
  const at = source[start] === MINUS ? start + 1 : start;
  for (let index = 0; index < TINY.length; index += 1) if (source[at + index] !== TINY[index]) return false;
  return true;
}

// -1 for a key with escapes or non-ASCII characters: such keys cannot be compared by their bytes.
function endOfKey(source: Buffer, start: number): number {
  for (let at = start + 1; ; at += 1) {
    const byte = source[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH || byte > LAST_ASCII) return -1;
  }
}

function endOfString(source: Buffer, start: number): number {
  for (let at = start + 1; ; at += 1) {
    const byte = source[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at += 1;
  }
}

function endOfValue(source: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; ; ) {
    const byte = source[at] as number;
    if (byte === QUOTE) {
      at = endOfString(source, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      // A number or literal ends where its array or object ends.
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (byte === COMMA && depth === 0) return at;
    at += 1;
  }
}

// The keys have no escapes, so a quote is the end of a key. A key comes before the keys that it is a prefix of.
function compareKeys(source: Buffer, a: number, b: number): number {
  for (let offset = 1; ; offset += 1) {
    const left = source[a + offset] as number;
    const right = source[b + offset] as number;
    if (left === right && left !== QUOTE) continue;
    if (left === QUOTE) return right === QUOTE ? 0 : -1;
    return right === QUOTE ? 1 : left - right;
  }
}
