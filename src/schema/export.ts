import { visibleTo } from '../auth/gate.ts';
import { callerOf } from '../auth/principal-and-scopes.ts';
import { badInput } from '../errors.ts';
import { checkFilter } from '../events/filter.ts';
import { type CsvOptions, DELIMITERS, USUAL_CSV } from '../log/exports/csv.ts';
import {
  aboutExport,
  type EXPORT_FORMATS,
  type ExportFormat,
  LINK_VALID_MS,
  sealGrant,
} from '../log/exports/link.ts';
import { readSize } from '../log/head.ts';
import { builder } from './builder.ts';
import { cost, QUERY_COST } from './cost.ts';
import { AuditEventFilterRef } from './filter.ts';

const ExportFormatRef = builder.enumType('ExportFormat', {
  description: 'The format of an export.',
  values: {
    NDJSON: { description: 'One canonical event per line, as `audit-log verify export` checks it.' },
    JSON: { description: 'One array of canonical events.' },
    CSV: { description: 'For spreadsheets (RFC 4180), with a header line.' },
  } satisfies Record<(typeof EXPORT_FORMATS)[number], { description: string }>,
});
const AuditExportRef = builder.objectRef<{ url: string; expiresAt: number }>('AuditExport').implement({
  description:
    'A link that streams the present events of the log as a file. Valid for five minutes, and no longer than the key or token.',
  fields: (t) => ({
    url: t.exposeString('url', { description: 'The link. It needs no key: keep it secret.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When the link expires.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
  }),
});

builder.queryField('auditExport', (t) =>
  t.field({
    type: AuditExportRef,
    extensions: cost({ own: QUERY_COST }),
    description:
      'Returns a link to a file of the matching events. The export is recorded as an event (DATA_EXPORT) before the answer.',
    authScopes: { scope: 'events:export' },
    args: {
      format: t.arg({ type: ExportFormatRef, required: true, description: 'The format of the file.' }),
      filter: t.arg({ type: AuditEventFilterRef, description: 'Selects events; absent: all.' }),
      delimiter: t.arg.string({
        defaultValue: USUAL_CSV.delimiter,
        description: 'The delimiter of a CSV: a comma, a semicolon, a tab or "|".',
      }),
      byteOrderMark: t.arg.boolean({
        defaultValue: USUAL_CSV.byteOrderMark,
        description: 'Whether a CSV begins with U+FEFF, by which Excel recognises UTF-8.',
      }),
    },
    resolve: async (_, { format, filter, ...options }, context) => {
      const csv = checkCsv(format, options);
      const { principal, services } = context;
      const { keyId, generation, customerId, expiresAt: keyExpiresAt } = principal;
      const expiresAt = Math.min(
        services.expiryNow() + LINK_VALID_MS,
        keyExpiresAt ?? Number.POSITIVE_INFINITY,
      );
      const filters = visibleTo(principal, checkFilter(filter, services.pipeline.redaction));
      const end = await readSize(services.pool);
      const grant = sealGrant(
        { format, csv, filters, end, keyId, generation, keyExpiresAt, customerId, expiresAt },
        services.exportSecret,
      );
      await services.metaAudit.exported(callerOf(context), {
        action: 'log.export',
        description: `a link to the events as ${format} was given out`,
        details: aboutExport({ format, filters, end, expiresAt }),
      });
      return { url: `${services.baseUrl()}/export/${grant}`, expiresAt };
    },
  }),
);

export function checkCsv(
  format: ExportFormat,
  options: { delimiter?: string | null | undefined; byteOrderMark?: boolean | null | undefined },
): CsvOptions | undefined {
  const given = options.delimiter ?? USUAL_CSV.delimiter;
  const byteOrderMark = options.byteOrderMark ?? USUAL_CSV.byteOrderMark;
  const delimiter = DELIMITERS.find((one) => one === given);
  if (delimiter === undefined) throw badInput('delimiter', 'must be a comma, a semicolon, a tab or "|"');
  if (format === 'CSV') return { delimiter, byteOrderMark };
  if (delimiter !== USUAL_CSV.delimiter) throw badInput('delimiter', 'is for the format CSV');
  if (byteOrderMark) throw badInput('byteOrderMark', 'is for the format CSV');
  return undefined;
}
