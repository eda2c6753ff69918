import type { JsonObject } from '../events/fields.ts';
import { isReserved } from '../events/reserved-resource-type.ts';
import { mapCloudtrail } from './cloudtrail.ts';
import type { LogEventInput, MappedRecord } from './event-input.ts';
import { mapGithub } from './github.ts';
import { createIdempotencyKeys } from './idempotency-keys.ts';
import { type JsonRecord, readJsonRecords } from './json-records.ts';
import { readLines } from './lines.ts';
import { mapNdjson } from './ndjson.ts';
import { mapOkta } from './okta.ts';
import { readSshd, type SshdRecord } from './sshd.ts';
import type { SyslogClock } from './syslog.ts';

export const FORMATS = ['cloudtrail', 'okta', 'github', 'sshd', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

/**
 * One record of an input:
 * - `input`: its event, with an idempotency key. `renamed` is the resource type in the record, if it is reserved for the
 *   log's own events; `timeNote` is a decision about its time.
 * - `unmapped`: the reason why it is not an event.
 * - `joined`: the reason why it has no event of its own: it is part of the event of another line, or reports nothing.
 * - `idle`: not a record. The input is silent, so that the events read so far should be sent.
 */
export type ReadRecord =
  | { line: number; input: LogEventInput; renamed?: string; timeNote?: string | undefined }
  | { line: number; unmapped: string }
  | { line: number; joined: string }
  | { line: number; idle: true };

/** The prefix that replaces the meaning of a reserved resource type. */
const IMPORTED = 'imported_';

const MAPPERS: Record<Exclude<Format, 'sshd'>, (record: JsonObject) => MappedRecord> = {
  cloudtrail: mapCloudtrail,
  okta: mapOkta,
  github: mapGithub,
  ndjson: mapNdjson,
};

/** Yields the records of one uncompressed input, in its order. Throws the errors of reading the input. */
export async function* readRecords(
  format: Format,
  chunks: AsyncIterable<Buffer>,
  clock: SyslogClock,
): AsyncGenerator<ReadRecord> {
  const keyOf = createIdempotencyKeys(format);
  if (format === 'sshd') {
    for await (const record of readSshd(readLines(chunks), keyOf, clock)) yield fromSshd(record);
    return;
  }
  for await (const record of readJsonRecords(chunks)) yield fromObject(record, keyOf, format);
}

type KeyOf = ReturnType<typeof createIdempotencyKeys>;

function fromSshd(record: SshdRecord): ReadRecord {
  if (!('input' in record)) return record;
  const { line, input, key, timeNote } = record;
  return { line, input: { ...input, idempotencyKey: key }, timeNote };
}

function fromObject(record: JsonRecord, keyOf: KeyOf, format: Exclude<Format, 'sshd'>): ReadRecord {
  const { line } = record;
  if ('idle' in record) return record;
  if ('problem' in record) return { line, unmapped: record.problem };
  // An event in the log's own format is imported unchanged or not at all: it has no place for a note about a change.
  if (format === 'ndjson' && record.keptAsText !== undefined) {
    const path = record.keptAsText.slice(0, 200);
    return {
      line,
      unmapped: `${path}: a number that cannot be represented exactly, such as an integer beyond 2^53 - 1: write it as a string`,
    };
  }
  const mapped = MAPPERS[format](record.value);
  if ('unmapped' in mapped) return { line, unmapped: mapped.unmapped };
  return withKey(mapped, record.content, record, keyOf);
}

function withKey(
  mapped: Exclude<MappedRecord, { unmapped: string }>,
  content: string,
  record: { line: number; note?: string },
  keyOf: KeyOf,
): ReadRecord {
  const { input } = mapped;
  if (record.note !== undefined) {
    const notes = Array.isArray(input.details?.notes) ? input.details.notes : [];
    input.details = { ...input.details, notes: [...notes, record.note] };
  }
  input.idempotencyKey ??= keyOf(content, mapped.sourceId);
  const { resourceType } = input;
  if (!isReserved(resourceType)) return { line: record.line, input };
  const renamed = resourceType as string;
  return { line: record.line, input: { ...input, resourceType: IMPORTED + renamed.trim() }, renamed };
}
