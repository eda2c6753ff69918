import { createReadStream } from 'node:fs';
import type { JsonObject } from '../../src/events/fields.ts';
import type { LogEventInput } from '../../src/import/event-input.ts';
import { type Format, type ReadRecord, readRecords } from '../../src/import/formats.ts';
import { fixedZone } from '../../src/import/source-time.ts';
import { gunzipped } from '../../src/import/sources.ts';
import type { SyslogClock } from '../../src/import/syslog.ts';

export const CLOCK: SyslogClock = { nowMs: Date.UTC(2024, 5, 1), zone: fixedZone('Z') };

/** The path of a sample of this folder's own. */
export function sample(name: string): string {
  return new URL(`../cli/samples/${name}`, import.meta.url).pathname;
}

/** A stream of the bytes of a text, in pieces of `size` bytes. */
export async function* bytesOf(content: string | Buffer, size = 64 * 1024): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(content);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

/** Every record of a stream. */
export async function readAll(
  format: Format,
  chunks: AsyncIterable<Buffer>,
  clock = CLOCK,
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  for await (const record of readRecords(format, gunzipped(chunks), clock)) records.push(record);
  return records;
}

/** Every record of a sample. */
export function readSample(format: Format, name: string): Promise<ReadRecord[]> {
  return readAll(format, createReadStream(sample(name)));
}

/** The event of a record that has to have one. */
export function eventOf(record: ReadRecord | undefined): LogEventInput & { details: JsonObject } {
  if (record === undefined || !('input' in record)) throw new Error(`no event: ${JSON.stringify(record)}`);
  return { ...record.input, details: record.input.details ?? {} };
}

/** The action of an event, or why there is none. */
export function actionOf(record: ReadRecord): string | undefined {
  return 'input' in record ? record.input.action : kindOf(record).replace('unmapped: ', '');
}

/** What an event is, in one line. */
export function kindOf(record: ReadRecord): string {
  if ('unmapped' in record) return `unmapped: ${record.unmapped}`;
  if (!('input' in record)) return 'joined' in record ? `joined: ${record.joined}` : 'idle';
  const { eventType, outcome, severity, action } = record.input;
  return [eventType, outcome, severity, action].join(' ');
}
