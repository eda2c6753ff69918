import { canonicalJson } from '../events/canonical.ts';
import type { JsonObject, JsonValue } from '../events/fields.ts';
import { withHead } from './byte-streams.ts';
import { type OpenedRecord, openEnvelopes } from './envelopes.ts';
import { isObject, parseExactly, TooDeepError } from './json-values.ts';
import { decodedRecord, MAX_RECORD_BYTES, NEWLINE, type RawRecord, readLines, tooLong } from './lines.ts';

/** The part of an input that is inspected to tell JSON lines from other JSON. */
const HEAD_BYTES = 256 * 1024;
const HEAD_LINES = 20;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * One object of a JSON input, or the reason why there is none. `content` is its sorted form, for its idempotency key;
 * `keptAsText` is the path of a number that became a string.
 */
export type JsonRecord =
  | { line: number; value: JsonObject; content: string; note?: string; keptAsText?: string }
  | { line: number; problem: string }
  | { line: number; idle: true };

/**
 * Yields the objects of a JSON input: JSON lines (only a malformed line itself is lost), one array, a CloudTrail file
 * `{"Records": [...]}`, or consecutive values, pretty-printed or not. Envelopes are removed. Memory holds one value or
 * element at a time (16 MiB at most), whatever the size of the input.
 */
export async function* readJsonRecords(chunks: AsyncIterable<Buffer>): AsyncGenerator<JsonRecord> {
  const iterator = chunks[Symbol.asyncIterator]();
  const { head, failure } = await takeHead(iterator);
  const whole = withHead(head.subarray(head.subarray(0, 3).equals(BOM) ? 3 : 0), iterator, failure);
  const records = isJsonLines(head.toString('utf8')) ? readLines(whole) : scan(whole);
  for await (const record of records) {
    if (record.idle === true) yield { line: record.line, idle: true };
    else yield* objectsOf(record);
  }
}

/** Reads the head of an input; less of it when the input is silent after a whole line, or fails. */
async function takeHead(iterator: AsyncIterator<Buffer>): Promise<{ head: Buffer; failure?: unknown }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    while (bytes < HEAD_BYTES) {
      const next = await iterator.next();
      if (next.done === true) break;
      if (next.value.length === 0 && parts.some((part) => part.includes(NEWLINE))) break;
      parts.push(next.value);
      bytes += next.value.length;
    }
  } catch (failure) {
    return { head: Buffer.concat(parts), failure };
  }
  return { head: Buffer.concat(parts) };
}

async function* scan(chunks: AsyncIterable<Buffer>): AsyncGenerator<RawRecord> {
  const scanner = new JsonScanner();
  for await (const chunk of chunks) {
    if (chunk.length === 0) yield { line: 0, text: '', idle: true };
    else yield* scanner.push(chunk);
  }
  yield* scanner.end();
}

/**
 * Whether an input that begins with `head` is JSON lines: one of its first lines is a whole, unindented object with
 * members (which a pretty-printed document does not contain) and is not a CloudTrail file.
 */
function isJsonLines(head: string): boolean {
  const text = head.replace(/^\uFEFF/, '');
  if (!text.trimStart().startsWith('{')) return !text.trimStart().startsWith('[');
  const lines = text.split('\n', HEAD_LINES).filter((line) => line.startsWith('{'));
  return lines.some((line) => {
    const value = tryParse(line);
    return isObject(value) && Object.keys(value).length > 0 && !Array.isArray(value.Records);
  });
}

function tryParse(text: string): JsonValue | undefined {
  try {
    return parseExactly(text).value;
  } catch {
    return undefined;
  }
}

function* objectsOf(record: RawRecord): Generator<JsonRecord> {
  const { line } = record;
  if (record.problem !== undefined) return yield { line, problem: record.problem };
  if (record.note !== undefined) return yield { line, problem: 'not valid UTF-8, which JSON requires' };
  try {
    const { value, keptAsText } = parseExactly(record.text);
    for (const element of Array.isArray(value) ? value : [value]) {
      for (const opened of openEnvelopes(element, keptAsText)) yield jsonRecordOf(opened, line);
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    yield { line, problem: error instanceof TooDeepError ? error.message : 'not well-formed JSON' };
  }
}

function jsonRecordOf(opened: OpenedRecord, line: number): JsonRecord {
  if ('problem' in opened) return { line, problem: opened.problem };
  if ('text' in opened) return { line, problem: 'text, not a JSON object' };
  const { value, keptAsText } = opened;
  const content = canonicalJson(value);
  return keptAsText === undefined
    ? { line, value, content }
    : {
        line,
        value,
        content,
        note: 'numbers that JavaScript cannot hold exactly are kept as texts',
        keptAsText,
      };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** The start of a CloudTrail log file or of a response of the AWS CLI, up to its array of records. */
const ENVELOPE = /^\{\s*"(Records|records|Events|events)"\s*:\s*\[$/;
const ENVELOPE_BYTES = 64;

/**
 * Splits a stream of JSON into records in bounded memory: the elements of top-level arrays, the elements of
 * `{"Records": [...]}`, and other top-level values. It examines only brackets, strings and commas; the parser of a record
 * finds other errors.
 */
export class JsonScanner {
  #depth = 0;
  /** The depth at which records begin: 0, 1 within an array, 2 within an envelope; Infinity after its array. */
  #base = 0;
  #inString = false;
  #escaped = false;
  #line = 1;
  #recordLine = 0;
  #inRecord = false;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  /** Returns the records that end within `chunk`. */
  push(chunk: Buffer): RawRecord[] {
    const found: RawRecord[] = [];
    let start = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] as number;
      if (byte === NEWLINE) this.#line += 1;
      if (this.#inString) {
        this.#stepInString(byte);
        continue;
      }
      if (!this.#inRecord && this.#begins(byte)) start = index;
      const ended = this.#step(byte);
      if (ended === 'after') found.push(this.#take(chunk.subarray(start, index + 1)));
      else if (ended === 'before') found.push(this.#take(chunk.subarray(start, index)));
      else if (byte === OPEN_ARRAY && this.#entersEnvelope(chunk.subarray(start, index + 1))) this.#base = 2;
    }
    if (this.#inRecord) this.#keep(chunk.subarray(start));
    return found;
  }

  /** Returns what is left at the end of the stream: nothing, a last scalar value, or a truncated record. */
  end(): RawRecord[] {
    if (!this.#inRecord) {
      return this.#depth > 0 ? [{ line: this.#line, text: '', problem: 'the JSON ends too early' }] : [];
    }
    const cut = this.#depth > this.#base || this.#inString;
    const record = this.#take(Buffer.alloc(0));
    return [cut ? { ...record, problem: 'the JSON ends in the middle of this record' } : record];
  }

  #stepInString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  /** Whether a record begins with this byte. A top-level array is not a record; its elements are. */
  #begins(byte: number): boolean {
    if (this.#depth !== this.#base || byte <= 0x20 || byte === COMMA || byte === CLOSE_ARRAY) return false;
    if (byte === CLOSE_OBJECT || (this.#base === 0 && byte === OPEN_ARRAY)) return false;
    this.#inRecord = true;
    this.#recordLine = this.#line;
    return true;
  }

  /** Processes one byte outside of strings. Returns whether the current record ended after or before it. */
  #step(byte: number): 'after' | 'before' | undefined {
    if (byte === QUOTE) {
      this.#inString = true;
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (byte === OPEN_ARRAY && !this.#inRecord && this.#depth === 0) this.#base = 1;
      this.#depth += 1;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      return this.#close();
    } else if (this.#inRecord && this.#depth === this.#base && (byte <= 0x20 || byte === COMMA)) {
      return 'before';
    }
    return undefined;
  }

  #close(): 'after' | 'before' | undefined {
    const bare = this.#inRecord && this.#depth === this.#base;
    this.#depth = Math.max(0, this.#depth - 1);
    if (this.#depth === 0 && this.#base > 0) this.#base = 0;
    else if (this.#base === 2 && this.#depth === 1) this.#base = Number.POSITIVE_INFINITY;
    if (bare) return 'before';
    return this.#inRecord && this.#depth === this.#base ? 'after' : undefined;
  }

  #entersEnvelope(lastPart: Buffer): boolean {
    const bytes = this.#pendingBytes + lastPart.length;
    if (!this.#inRecord || this.#base !== 0 || this.#depth !== 2 || bytes > ENVELOPE_BYTES) return false;
    if (!ENVELOPE.test(Buffer.concat([...this.#pending, lastPart]).toString('latin1'))) return false;
    this.#forget();
    return true;
  }

  #keep(part: Buffer): void {
    this.#pendingBytes += part.length;
    if (this.#pendingBytes <= MAX_RECORD_BYTES) this.#pending.push(part);
    else this.#pending = [];
  }

  #take(lastPart: Buffer): RawRecord {
    this.#keep(lastPart);
    const record =
      this.#pendingBytes > MAX_RECORD_BYTES
        ? tooLong(this.#recordLine)
        : decodedRecord(Buffer.concat(this.#pending), this.#recordLine);
    this.#forget();
    return record;
  }

  #forget(): void {
    this.#inRecord = false;
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}
