import { MAX_RECORD_BYTES, NEWLINE, type RawRecord, recordOf, tooLong } from './lines.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** The start of a CloudTrail log file or an answer of the AWS CLI, up to the array that holds its records. */
const ENVELOPE = /^\{\s*"(Records|records|Events|events)"\s*:\s*\[$/;
const ENVELOPE_BYTES = 64;

/**
 * Cuts a stream of JSON into records without reading it as a whole: the elements of arrays at the top, the elements
 * of `{"Records": [...]}`, and other values at the top, pretty-printed or not. It looks only at brackets, strings and
 * commas; whether a record is well-formed its reader finds out.
 */
export class JsonScanner {
  private depth = 0;
  /** The depth at which records begin: 0, 1 within an array, 2 within an envelope; Infinity after its array. */
  private base = 0;
  private inString = false;
  private escaped = false;
  private line = 1;
  private recordLine = 0;
  private inRecord = false;
  private pending: Buffer[] = [];
  private pendingBytes = 0;

  /** The records that end within `chunk`. */
  push(chunk: Buffer): RawRecord[] {
    const found: RawRecord[] = [];
    let start = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] as number;
      if (byte === NEWLINE) this.line += 1;
      if (this.inString) {
        this.stepInString(byte);
        continue;
      }
      if (!this.inRecord && this.begins(byte)) start = index;
      const ended = this.step(byte);
      if (ended === 'after') found.push(this.take(chunk.subarray(start, index + 1)));
      else if (ended === 'before') found.push(this.take(chunk.subarray(start, index)));
      else if (byte === OPEN_ARRAY && this.entersEnvelope(chunk.subarray(start, index + 1))) this.base = 2;
    }
    if (this.inRecord) this.keep(chunk.subarray(start));
    return found;
  }

  /** What is left at the end of the stream: nothing, a last bare value, or a record that was cut off. */
  end(): RawRecord[] {
    if (!this.inRecord) {
      return this.depth > 0 ? [{ line: this.line, text: '', problem: 'the JSON ends too early' }] : [];
    }
    const cut = this.depth > this.base || this.inString;
    const record = this.take(Buffer.alloc(0));
    return [cut ? { ...record, problem: 'the JSON ends in the middle of this record' } : record];
  }

  private stepInString(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  /** Whether a record begins with this byte; an array at the top does not: its elements do. */
  private begins(byte: number): boolean {
    if (this.depth !== this.base || byte <= 0x20 || byte === COMMA || byte === CLOSE_ARRAY) return false;
    if (byte === CLOSE_OBJECT || (this.base === 0 && byte === OPEN_ARRAY)) return false;
    this.inRecord = true;
    this.recordLine = this.line;
    return true;
  }

  /** Follows one byte outside of strings; says whether the current record ended with it or just before it. */
  private step(byte: number): 'after' | 'before' | undefined {
    if (byte === QUOTE) {
      this.inString = true;
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (byte === OPEN_ARRAY && !this.inRecord && this.depth === 0) this.base = 1;
      this.depth += 1;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      return this.close();
    } else if (this.inRecord && this.depth === this.base && (byte <= 0x20 || byte === COMMA)) {
      return 'before';
    }
    return undefined;
  }

  private close(): 'after' | 'before' | undefined {
    const bare = this.inRecord && this.depth === this.base;
    this.depth = Math.max(0, this.depth - 1);
    if (this.depth === 0 && this.base > 0) this.base = 0;
    else if (this.base === 2 && this.depth === 1) this.base = Number.POSITIVE_INFINITY;
    if (bare) return 'before';
    return this.inRecord && this.depth === this.base ? 'after' : undefined;
  }

  private entersEnvelope(lastPart: Buffer): boolean {
    const bytes = this.pendingBytes + lastPart.length;
    if (!this.inRecord || this.base !== 0 || this.depth !== 2 || bytes > ENVELOPE_BYTES) return false;
    if (!ENVELOPE.test(Buffer.concat([...this.pending, lastPart]).toString('latin1'))) return false;
    this.forget();
    return true;
  }

  private keep(part: Buffer): void {
    this.pendingBytes += part.length;
    if (this.pendingBytes <= MAX_RECORD_BYTES) this.pending.push(part);
    else this.pending = [];
  }

  private take(lastPart: Buffer): RawRecord {
    this.keep(lastPart);
    const record =
      this.pendingBytes > MAX_RECORD_BYTES
        ? tooLong(this.recordLine)
        : recordOf(Buffer.concat(this.pending), this.recordLine);
    this.forget();
    return record;
  }

  private forget(): void {
    this.inRecord = false;
    this.pending = [];
    this.pendingBytes = 0;
  }
}
