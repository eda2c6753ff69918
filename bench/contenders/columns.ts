import { randomBytes } from 'node:crypto';
import { eventId } from '../../src/events/event-id.ts';
import type { EventDraft } from '../../src/events/fields.ts';
import { searchWords } from '../../src/events/search.ts';
import { type BenchEvent, eventOf } from '../events.ts';

/** What a row holds beside its position, by column, as PostgreSQL reads it; null where the event has nothing. */
export type Row = Record<string, string | null>;

/** The row of an event as a client of PostgreSQL would have it ready: nothing is left to compute. */
export function rowOf(number: number, now: number): Row {
  const event = eventOf(number);
  const time = new Date(now).toISOString();
  return {
    id: eventId(now),
    salt: `\\x${randomBytes(16).toString('hex')}`,
    leaf_hash: `\\x${randomBytes(32).toString('hex')}`,
    timestamp: time,
    recorded_at: time,
    ...plainColumns(event),
    details: JSON.stringify(event.details),
    old_values: event.oldValues ? JSON.stringify(event.oldValues) : null,
    new_values: event.newValues ? JSON.stringify(event.newValues) : null,
    search_words: `{${searchWords(event as EventDraft & { timestamp: number })
      .map((word) => JSON.stringify(word))
      .join(',')}}`,
  };
}

function plainColumns(event: BenchEvent): Row {
  return {
    event_type: event.eventType,
    outcome: event.outcome,
    severity: event.severity,
    user_id: event.userId,
    customer_id: event.customerId,
    session_id: event.sessionId,
    ip_address: event.ipAddress,
    user_agent: event.userAgent,
    request_id: event.requestId,
    resource_type: event.resourceType,
    resource_id: event.resourceId,
    action: event.action,
    description: event.description,
  };
}
