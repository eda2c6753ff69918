import { canonicalEvent } from '../events/canonical.ts';
import type { AuditEvent } from '../events/event.ts';
import { CSV_HEAD, csvLines } from './csv.ts';
import type { ExportFormat } from './link.ts';

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
    head: CSV_HEAD,
    page: csvLines,
    tail: '',
  },
};
