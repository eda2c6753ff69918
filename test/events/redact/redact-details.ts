import type { EventDraft, JsonObject } from '../../../src/events/fields.ts';
import { createRedaction } from '../../../src/events/redact/redact.ts';

const HASH_KEY = Buffer.from('the key of the tests');

/** The redaction with rules for fields. */
export function redactionOf(...fields: string[]) {
  return createRedaction({ fields, hashKey: HASH_KEY });
}

/** An event with the least of it. */
export function draftWith(more: Partial<EventDraft>): EventDraft {
  const least = { eventType: 'data.read', outcome: 'success', severity: 'info' } as const;
  return { ...least, action: 'read', description: '', details: {}, ...more };
}

/** What is recorded of these details. */
export function redactDetails(details: JsonObject, ...fields: string[]): JsonObject {
  return redactionOf(...fields).event(draftWith({ details }), 'input').details;
}
