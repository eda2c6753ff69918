import { columnOf, EVENT_FIELDS, STORED_FIELDS } from '../../src/events/fields.ts';
import { formatTime } from '../../src/events/time.ts';
import { eventAt, type PreparedEvent } from '../../src/log/append/prepare-event.ts';

/** The row of an event as jsonb_populate_recordset takes it. */
export function rowAt(prepared: PreparedEvent, position: number): object {
  const event = eventAt(prepared, position);
  const members = STORED_FIELDS.map((name) => [
    columnOf(name),
    sqlValue(event[name], EVENT_FIELDS[name].kind),
  ]);
  return { ...Object.fromEntries(members), search_words: prepared.searchWords };
}

function sqlValue(value: unknown, kind: string): unknown {
  if (kind === 'time') return formatTime(value as number);
  if (kind === 'salt') return `\\x${value}`;
  return kind === 'hash' ? `\\x${(value as Buffer).toString('hex')}` : value;
}
