import { createHash, randomBytes } from 'node:crypto';
import { badInput } from '../errors.ts';
import { MAX_EVENT_BYTES } from '../events/bounds.ts';
import {
  type CanonicalObjects,
  canonicalJson,
  canonicalObjects,
  canonicalRecord,
} from '../events/canonical.ts';
import type { AuditEvent, EventDraft, EventRecord, JsonObject } from '../events/event.ts';
import { searchWords } from '../events/words.ts';
import { leafHash } from '../merkle/hash.ts';
import { eventId } from './event-id.ts';

/** Everything of an event that needs no place in the log: made before the head is taken. */
export interface PreparedEvent {
  record: EventRecord;
  leafHash: Uint8Array;
  /** Canonical size in bytes. */
  bytes: number;
  searchWords: string[];
  /** Canonical JSON of the record's objects. */
  json: CanonicalObjects;
  idempotency: { scope: string; key: string; contentHash: string } | undefined;
}

/** Gives a redacted draft its id, salt, times and leaf hash. Throws BAD_USER_INPUT when it is too large. */
export function prepareEvent(draft: EventDraft, now: number, path: string): PreparedEvent {
  const { idempotencyKey, timestamp, ...content } = draft;
  const record: EventRecord = {
    ...content,
    id: eventId(now),
    salt: randomBytes(16).toString('hex'),
    timestamp: timestamp ?? now,
    recordedAt: now,
  };
  const json = canonicalObjects(record);
  const canonical = Buffer.from(canonicalRecord(record, json));
  if (canonical.length > MAX_EVENT_BYTES) {
    throw badInput(path, `is larger than ${MAX_EVENT_BYTES} bytes in its canonical form`);
  }
  return {
    record,
    leafHash: leafHash(canonical),
    bytes: canonical.length,
    searchWords: searchWords(record),
    json,
    idempotency:
      idempotencyKey === undefined
        ? undefined
        : { scope: draft.customerId ?? '', key: idempotencyKey, contentHash: contentHash(draft) },
  };
}

// Over the redacted draft: a hash of what was redacted could be guessed back.
function contentHash(draft: EventDraft): string {
  return createHash('sha256')
    .update(canonicalJson(draft as unknown as JsonObject))
    .digest('hex');
}

/** The event at its place. */
export function eventAt(prepared: PreparedEvent, position: number): AuditEvent {
  return { ...prepared.record, position, leafHash: Buffer.from(prepared.leafHash) };
}
