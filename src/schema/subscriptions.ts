import { visibleTo } from '../auth/gate.ts';
import { checkFilter } from '../events/filter.ts';
import type { FeedStart } from '../feed/feed.ts';
import { parseCursor } from '../log/read/cursor.ts';
import { builder } from './builder.ts';
import { cost, QUERY_COST } from './cost.ts';
import { SeverityRef } from './event.ts';
import { AuditEventEdgeRef, EventEdge } from './event-connection.ts';
import { AuditEventFilterRef } from './filter.ts';

const AFTER =
  'A cursor of any edge, or "beginning": first delivers all later events of the log, then live ones.';

builder.subscriptionFields((t) => ({
  securityAlerts: t.field({
    type: AuditEventEdgeRef,
    description: 'Every event of at least minSeverity, as it is committed, in log order.',
    authScopes: { scope: 'events:read' },
    extensions: cost({ own: QUERY_COST }),
    args: {
      minSeverity: t.arg({
        type: SeverityRef,
        defaultValue: 'warning',
        description: 'This severity or a higher one.',
      }),
      filter: t.arg({ type: AuditEventFilterRef, description: 'Selects events; absent: all.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_, { minSeverity, filter, after }, { principal, services }) =>
      services.feed.subscribe({
        filters: [
          { minSeverity: minSeverity ?? 'warning' },
          ...visibleTo(principal, checkFilter(filter, services.pipeline.redaction)),
        ],
        start: startOf(after),
        reader: services.guardedReaderOf(principal),
      }),
    resolve: (event) => new EventEdge(event),
  }),
  auditEvents: t.field({
    type: AuditEventEdgeRef,
    description: 'Every event that matches, as it is committed, in log order.',
    authScopes: { scope: 'events:read' },
    extensions: cost({ own: QUERY_COST }),
    args: {
      filter: t.arg({ type: AuditEventFilterRef, description: 'Selects events; absent: all.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_, { filter, after }, { principal, services }) =>
      services.feed.subscribe({
        filters: visibleTo(principal, checkFilter(filter, services.pipeline.redaction)),
        start: startOf(after),
        reader: services.guardedReaderOf(principal),
      }),
    resolve: (event) => new EventEdge(event),
  }),
}));

function startOf(after: string | null | undefined): FeedStart {
  if (after == null) return 'now';
  return after === 'beginning' ? 'beginning' : parseCursor(after, 'after').position + 1;
}
