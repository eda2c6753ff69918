import ipaddr from 'ipaddr.js';
import {
  columnOf,
  EVENT_FIELDS,
  type EventRecord,
  type Kind,
  type ObjectField,
  STORED_FIELDS,
} from '../../events/fields.ts';
import type { PreparedEvent } from './prepare-event.ts';

/** The encoding of a column. The position and the leaf hash are not part of the record of an event. */
const FORMS: Record<Kind, 'text' | 'time' | 'jsonb' | 'inet' | 'hex' | 'position' | 'hash'> = {
  text: 'text',
  eventType: 'text',
  outcome: 'text',
  severity: 'text',
  id: 'text',
  time: 'time',
  object: 'jsonb',
  address: 'inet',
  salt: 'hex',
  position: 'position',
  hash: 'hash',
};
const COLUMNS = STORED_FIELDS.map((field) => ({ field, form: FORMS[EVENT_FIELDS[field].kind] }));

/** The columns of `audit_events` in the order in which `copyRows` writes them. */
export const COPIED_COLUMNS = [...STORED_FIELDS.map((field) => `"${columnOf(field)}"`), 'search_words'].join(
  ', ',
);

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TEXT_OID = 25;
const JSONB_VERSION = 1;
const MAX_LOOP = 40;
const MAX_ASCII = 0x7f;
const POINT = 0x2e;
const ZERO = 0x30;
const FIRST_BYTES = 65_536;
const TWO_32 = 4_294_967_296;
// PostgreSQL counts microseconds from 2000 on.
const EPOCH_MS = Date.UTC(2000, 0, 1);

/** Encodes events as rows of PostgreSQL's binary COPY format, from position `start` on. */
export function copyRows(events: readonly PreparedEvent[], start: number): Buffer {
  const rows = new CopyRowsWriter();
  events.forEach((event, index) => {
    rows.add(event, start + index);
  });
  return rows.end();
}

/** Writes rows to one growing buffer. */
class CopyRowsWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = SIGNATURE.copy(this.#bytes);

  add({ record, leafHash, searchWords, json }: PreparedEvent, position: number): void {
    this.#reserve(2);
    this.#at = this.#bytes.writeInt16BE(COLUMNS.length + 1, this.#at);
    for (const { field, form } of COLUMNS) {
      switch (form) {
        case 'text':
          this.#text(record[field as keyof EventRecord] as string | undefined);
          break;
        case 'time':
          this.#time(record[field as keyof EventRecord] as number);
          break;
        case 'jsonb':
          this.#jsonb(json[field as ObjectField]);
          break;
        case 'inet':
          this.#address(record[field as keyof EventRecord] as string | undefined);
          break;
        case 'hex':
          this.#salt(record.salt);
          break;
        case 'position':
          this.#int64(Math.floor(position / TWO_32), position % TWO_32);
          break;
        case 'hash':
          this.#blob(leafHash);
      }
    }
    this.#texts(searchWords);
  }

  end(): Buffer {
    this.#reserve(2);
    this.#at = this.#bytes.writeInt16BE(-1, this.#at);
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  #text(text: string | undefined): void {
    if (text === undefined) {
      this.#null();
      return;
    }
    this.#reserve(4 + 3 * text.length);
    const written = this.#write(text, this.#at + 4);
    this.#bytes.writeInt32BE(written, this.#at);
    this.#at += 4 + written;
  }

  // For short texts, which are the most, a loop is faster than a call of the encoder.
  #write(text: string, at: number): number {
    if (text.length > MAX_LOOP) return this.#bytes.write(text, at);
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > MAX_ASCII) return this.#bytes.write(text, at);
      this.#bytes[at + index] = code;
    }
    return text.length;
  }

  #null(): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeInt32BE(-1, this.#at);
  }

  #jsonb(text: string | undefined): void {
    if (text === undefined) {
      this.#null();
      return;
    }
    this.#reserve(5 + 3 * text.length);
    const written = this.#bytes.write(text, this.#at + 5);
    this.#bytes.writeInt32BE(written + 1, this.#at);
    this.#bytes[this.#at + 4] = JSONB_VERSION;
    this.#at += 5 + written;
  }

  #blob(bytes: Uint8Array): void {
    this.#reserve(4 + bytes.length);
    this.#bytes.writeInt32BE(bytes.length, this.#at);
    this.#bytes.set(bytes, this.#at + 4);
    this.#at += 4 + bytes.length;
  }

  #salt(hex: string): void {
    this.#reserve(4 + hex.length);
    const written = this.#bytes.write(hex, this.#at + 4, 'hex');
    this.#bytes.writeInt32BE(written, this.#at);
    this.#at += 4 + written;
  }

  /** Writes a 64-bit number, given by its upper and lower half. */
  #int64(upper: number, lower: number): void {
    this.#reserve(12);
    this.#at = this.#bytes.writeInt32BE(8, this.#at);
    this.#at = this.#bytes.writeInt32BE(upper, this.#at);
    this.#at = this.#bytes.writeUInt32BE(lower, this.#at);
  }

  // In halves, since microseconds of distant years exceed 2^53.
  #time(milliseconds: number): void {
    const sinceEpoch = milliseconds - EPOCH_MS;
    const upper = Math.floor(sinceEpoch / TWO_32);
    const lower = (sinceEpoch - upper * TWO_32) * 1_000;
    const carried = Math.floor(lower / TWO_32);
    this.#int64(upper * 1_000 + carried, lower - carried * TWO_32);
  }

  #address(address: string | undefined): void {
    if (address === undefined) {
      this.#null();
      return;
    }
    const bytes = addressBytes(address);
    this.#reserve(8 + bytes.length);
    this.#at = this.#bytes.writeInt32BE(4 + bytes.length, this.#at);
    const isV4 = bytes.length === 4;
    for (const byte of [isV4 ? 2 : 3, 8 * bytes.length, 0, bytes.length, ...bytes]) {
      this.#at = this.#bytes.writeUInt8(byte, this.#at);
    }
  }

  #texts(texts: readonly string[]): void {
    this.#reserve(24);
    const start = this.#at;
    this.#at += 4;
    // Number of dimensions, no nulls, element type text; then length and first index of the only dimension.
    const head = texts.length === 0 ? [0, 0, TEXT_OID] : [1, 0, TEXT_OID, texts.length, 1];
    for (const value of head) this.#at = this.#bytes.writeInt32BE(value, this.#at);
    for (const text of texts) this.#text(text);
    this.#bytes.writeInt32BE(this.#at - start - 4, start);
  }
}

function addressBytes(address: string): number[] {
  return address.includes(':') ? ipaddr.IPv6.parse(address).toByteArray() : v4Bytes(address);
}

// The address is in canonical form. Splitting it instead takes eight times as long.
function v4Bytes(address: string): number[] {
  const bytes: number[] = [];
  let byte = 0;
  for (let index = 0; index < address.length; index += 1) {
    const code = address.charCodeAt(index);
    if (code === POINT) {
      bytes.push(byte);
      byte = 0;
    } else byte = byte * 10 + code - ZERO;
  }
  bytes.push(byte);
  return bytes;
}
