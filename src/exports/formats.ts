import { stringify } from 'csv-stringify/sync';
import { canonicalEvent, canonicalJson } from '../events/canonical.ts';
import type { AuditEvent } from '../events/event.ts';
import type { ExportFormat } from './link.ts';

/** The columns of the CSV, in order. */
export const CSV_COLUMNS = [
  'id',
  'timestamp',
  'event_type',
  'outcome',
  'severity',
  'user_id',
  'customer_id',
  'resource_type',
  'resource_id',
  'action',
  'description',
  'ip_address',
  'session_id',
  'user_agent',
  'request_id',
  'details',
  'old_values',
  'new_values',
  'recorded_at',
  'position',
  'leaf_hash',
] as const;

/** How a format writes a file: what stands before, between and after the pages of events. */
export interface Writer {
  contentType: string;
  extension: string;
  head: string;
  page(events: readonly AuditEvent[], isFirst: boolean): string;
  tail: string;
}

/** The writer of each format. An NDJSON line is the event's canonical form, byte for byte. */
export const WRITERS: Record<ExportFormat, Writer> = {
  NDJSON: {
    contentType: 'application/x-ndjson',
    extension: 'ndjson',
    head: '',
    page: (events) => events.map((event) => `${canonicalEvent(event)}\n`).join(''),
    tail: '',
  },
  JSON: {
    contentType: 'application/json',
    extension: 'json',
    head: '[',
    page: (events, isFirst) => (isFirst ? '\n' : ',\n') + events.map(canonicalEvent).join(',\n'),
    tail: '\n]\n',
  },
  CSV: {
    contentType: 'text/csv; charset=utf-8',
    extension: 'csv',
    head: `${CSV_COLUMNS.join(',')}\n`,
    page: (events) => stringify(events.map(csvRow), { escape_formulas: true }),
    tail: '',
  },
};

function csvRow(event: AuditEvent): (string | number)[] {
  const record = JSON.parse(canonicalEvent(event)) as Record<
    string,
    string | Parameters<typeof canonicalJson>[0]
  >;
  const own: Record<string, string | number> = {
    position: event.position,
    leaf_hash: event.leafHash.toString('hex'),
  };
  return CSV_COLUMNS.map((column) => {
    const value = own[column] ?? record[column] ?? '';
    return harmless(typeof value === 'object' ? canonicalJson(value) : value);
  });
}

// csv-stringify guards = + - @ tab and return; spreadsheets take the full-width forms for the same.
function harmless(value: string | number | boolean): string | number {
  return typeof value === 'string' && /^[＝＋－＠\n]/.test(value) ? `'${value}` : (value as string | number);
}
