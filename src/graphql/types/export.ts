import { callerOf } from '../../access/asker.ts';
import { visibleTo } from '../../access/viewer.ts';
import { aboutExport, EXPORT_FORMATS, sealGrant } from '../../exports/link.ts';
import { readHead } from '../../log/head.ts';
import { builder } from '../builder.ts';
import { checkFilter } from '../filter-input.ts';
import { AuditEventFilterRef } from './filter.ts';

const VALID_MS = 5 * 60_000;

const ExportFormatRef = builder.enumType('ExportFormat', { values: EXPORT_FORMATS });
const AuditExportRef = builder.objectRef<{ url: string; expiresAt: number }>('AuditExport').implement({
  description:
    'A link that streams what the log holds now as a file, valid for five minutes, and no longer than what asked for it.',
  fields: (t) => ({
    url: t.exposeString('url'),
    expiresAt: t.field({ type: 'DateTime', resolve: ({ expiresAt }) => expiresAt }),
  }),
});

builder.queryField('auditExport', (t) =>
  t.field({
    type: AuditExportRef,
    description: 'Itself an event in the log (DATA_EXPORT), before the link is given out.',
    authScopes: { scope: 'events:export' },
    args: {
      format: t.arg({ type: ExportFormatRef, required: true }),
      filter: t.arg({ type: AuditEventFilterRef }),
    },
    resolve: async (_, { format, filter }, context) => {
      const { viewer, services } = context;
      const { keyId, generation, customerId, expiresAt: keyExpiresAt } = viewer;
      const expiresAt = Math.min(
        services.pipeline.now() + VALID_MS,
        keyExpiresAt ?? Number.POSITIVE_INFINITY,
      );
      const filters = visibleTo(viewer, checkFilter(filter, services.pipeline.redaction));
      const end = (await readHead(services.pool)).frontier.size;
      const grant = sealGrant(
        { format, filters, end, keyId, generation, keyExpiresAt, customerId, expiresAt },
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
