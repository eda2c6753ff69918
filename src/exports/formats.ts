import { type CsvOptions, createCsvWriter, csvHead } from './csv.ts';
import { type BlockWriter, createLineWriter } from './lines.ts';
import type { ExportFormat } from './link.ts';

/** How a format writes a file: what stands before, between and after the rows of events. */
export interface Format {
  contentType: string;
  extension: string;
  head(csv: CsvOptions): string;
  createWriter(csv: CsvOptions): BlockWriter;
  tail: string;
}

/** What there is of each format. An NDJSON line is the event's canonical form, byte for byte. */
export const FORMATS: Record<ExportFormat, Format> = {
  NDJSON: {
    contentType: 'application/x-ndjson',
    extension: 'ndjson',
    head: () => '',
    createWriter: () => createLineWriter({ first: '', between: '', after: '\n' }),
    tail: '',
  },
  JSON: {
    contentType: 'application/json',
    extension: 'json',
    head: () => '[',
    createWriter: () => createLineWriter({ first: '\n', between: ',\n', after: '' }),
    tail: '\n]\n',
  },
  CSV: {
    contentType: 'text/csv; charset=utf-8',
    extension: 'csv',
    head: csvHead,
    createWriter: createCsvWriter,
    tail: '',
  },
};
