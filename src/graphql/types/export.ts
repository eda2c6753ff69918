import { visibleTo } from '../../access/viewer.ts';
import { EXPORT_FORMATS, signGrant } from '../../exports/link.ts';
import { builder } from '../builder.ts';
import { checkFilter } from '../filter-input.ts';
import { AuditEventFilterRef } from './filter.ts';

const VALID_MS = 5 * 60_000;

const ExportFormatRef = builder.enumType('ExportFormat', { values: EXPORT_FORMATS });
const AuditExportRef = builder.objectRef<{ url: string; expiresAt: number }>('AuditExport').implement({
  description:
    'A signed link that streams the file, valid for five minutes, and no longer than what asked for it.',
  fields: (t) => ({
    url: t.exposeString('url'),
    expiresAt: t.field({ type: 'DateTime', resolve: ({ expiresAt }) => expiresAt }),
  }),
});

builder.queryField('auditExport', (t) =>
  t.field({
    type: AuditExportRef,
    authScopes: { scope: 'events:export' },
    args: {
      format: t.arg({ type: ExportFormatRef, required: true }),
      filter: t.arg({ type: AuditEventFilterRef }),
    },
    resolve: (_, { format, filter }, { viewer, services }) => {
      const { keyId, generation, customerId, expiresAt: keyExpiresAt } = viewer;
      const expiresAt = Math.min(
        services.pipeline.now() + VALID_MS,
        keyExpiresAt ?? Number.POSITIVE_INFINITY,
      );
      const filters = visibleTo(viewer, checkFilter(filter, services.pipeline.redaction));
      const grant = signGrant(
        { format, filters, keyId, generation, keyExpiresAt, customerId, expiresAt },
        services.exportSecret,
      );
      return { url: `${services.baseUrl()}/export/${grant}`, expiresAt };
    },
  }),
);
