import { stringify } from 'csv-stringify/sync';
import { canonicalJson, formatTime } from '../events/canonical.ts';
import type { AuditEvent, JsonObject } from '../events/event.ts';

const COLUMNS: Record<string, (event: AuditEvent) => string | number | undefined> = {
  id: ({ id }) => id,
  timestamp: ({ timestamp }) => formatTime(timestamp),
  event_type: ({ eventType }) => eventType,
  outcome: ({ outcome }) => outcome,
  severity: ({ severity }) => severity,
  user_id: ({ userId }) => userId,
  customer_id: ({ customerId }) => customerId,
  resource_type: ({ resourceType }) => resourceType,
  resource_id: ({ resourceId }) => resourceId,
  action: ({ action }) => action,
  description: ({ description }) => description,
  ip_address: ({ ipAddress }) => ipAddress,
  session_id: ({ sessionId }) => sessionId,
  user_agent: ({ userAgent }) => userAgent,
  request_id: ({ requestId }) => requestId,
  details: ({ details }) => canonicalJson(details),
  old_values: ({ oldValues }) => json(oldValues),
  new_values: ({ newValues }) => json(newValues),
  recorded_at: ({ recordedAt }) => formatTime(recordedAt),
  position: ({ position }) => position,
  leaf_hash: ({ leafHash }) => leafHash.toString('hex'),
};

/** The first line of a CSV: the names of its columns. */
export const CSV_HEAD = `${Object.keys(COLUMNS).join(',')}\n`;

/** The events as lines of RFC 4180, each ended by LF. Objects are in their canonical form; nothing is a formula. */
export function csvLines(events: readonly AuditEvent[]): string {
  const columns = Object.values(COLUMNS);
  const rows = events.map((event) => columns.map((valueIn) => harmless(valueIn(event))));
  // A return alone ends a line for many readers, though not for the writer.
  return stringify(rows, { quoted_match: /\r/ });
}

function json(object: JsonObject | undefined): string | undefined {
  return object && canonicalJson(object);
}

// What a spreadsheet takes for a formula is text behind an apostrophe. Some drop what cannot be seen, or quotes, before
// they look, and take the full-width forms for the same.
function harmless(value: string | number | undefined): string | number {
  return typeof value === 'string' && /^(?:[\t\r\n]|[\s\p{C}"'`]*[=+\-@＝＋－＠])/u.test(value)
    ? `'${value}`
    : (value ?? '');
}
