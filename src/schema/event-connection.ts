import { visibleTo } from '../auth/gate.ts';
import { badInput } from '../errors.ts';
import type { AuditEvent } from '../events/fields.ts';
import { checkFilter, type EventFilter } from '../events/filter.ts';
import { formatCursor, parseCursor } from '../log/read/cursor.ts';
import { listEvents } from '../log/read/events.ts';
import { type EventOrder, MAX_OFFSET, PAGE_SIZE, type PageRequest } from '../log/read/pages.ts';
import { Summary } from '../log/summary/summary.ts';
import { builder } from './builder.ts';
import { COUNT_COST, cost, QUERY_COST } from './cost.ts';
import { AuditEventRef, eventFieldsAsked } from './event.ts';
import { AuditEventFilterRef } from './filter.ts';

const ORDER_DESCRIPTIONS = {
  TIMESTAMP_DESC: { description: 'By timestamp, latest first.' },
  TIMESTAMP_ASC: { description: 'By timestamp, earliest first.' },
  POSITION_DESC: { description: 'By position, latest first.' },
  POSITION_ASC: { description: 'By position, earliest first: the order of the log.' },
} satisfies Record<EventOrder, { description: string }>;

const OrderRef = builder.enumType('AuditEventOrder', {
  description: 'The order of a list.',
  values: ORDER_DESCRIPTIONS,
});

/** An event in a list or on the feed. Its cursor is computed when it is requested. */
export class EventEdge {
  readonly node: AuditEvent;

  constructor(event: AuditEvent) {
    this.node = event;
  }

  get cursor(): string {
    return formatCursor(this.node);
  }
}

export const AuditEventEdgeRef = builder.edgeObject({
  type: AuditEventRef,
  name: 'AuditEventEdge',
  description: 'An event in a list or on the feed.',
});

interface Filtered {
  filters: EventFilter[];
}

const ConnectionRef = builder.connectionObject(
  {
    type: AuditEventRef,
    name: 'AuditEventConnection',
    description: 'A page of events.',
    fields: (t) => ({
      totalCount: t.field({
        type: 'SafeInt',
        description: 'How many events match, on all pages; exact.',
        extensions: cost({ own: COUNT_COST }),
        resolve: (page, _args, { principal, services }) =>
          new Summary(
            services.readerOf(principal),
            (page as unknown as Filtered).filters,
            services.pipeline.now(),
            services.rollupScopes,
          ).total(),
      }),
    }),
  },
  AuditEventEdgeRef,
);

builder.queryField('auditEvents', (t) =>
  t.connection(
    {
      type: AuditEventRef,
      description: `The events that match, in pages of ${PAGE_SIZE.usual} by default and ${PAGE_SIZE.most} at most.`,
      authScopes: { scope: 'events:read' },
      extensions: cost({ own: QUERY_COST }),
      args: {
        filter: t.arg({ type: AuditEventFilterRef, description: 'Selects events; absent: all.' }),
        orderBy: t.arg({
          type: OrderRef,
          defaultValue: 'TIMESTAMP_DESC',
          description: 'The order of the list.',
        }),
        offset: t.arg.int({
          description: `Page jump, ${MAX_OFFSET} at most; not together with a cursor.`,
        }),
      },
      resolve: async (_, { filter, orderBy, ...paging }, { principal, services }, info) => {
        const filters = visibleTo(principal, checkFilter(filter, services.pipeline.redaction));
        const { events, hasNextPage, hasPreviousPage } = await listEvents(services.readerOf(principal), {
          fields: eventFieldsAsked(info),
          filters,
          order: orderBy ?? 'TIMESTAMP_DESC',
          ...checkPaging(paging),
        });
        const edges = events.map((event) => new EventEdge(event));
        const pageInfo = {
          hasNextPage,
          hasPreviousPage,
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        };
        return { edges, pageInfo, filters };
      },
    },
    ConnectionRef,
    AuditEventEdgeRef,
  ),
);

interface Paging {
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
  offset?: number | null | undefined;
}

function checkPaging({
  first,
  after,
  last,
  before,
  offset,
}: Paging): Omit<PageRequest, 'filters' | 'fields' | 'order'> {
  if (first != null && last != null) throw badInput('last', 'cannot be given together with first');
  if (offset != null && (after != null || before != null || last != null)) {
    throw badInput('offset', 'cannot be given together with after, before or last');
  }
  return {
    limit: checkBetween(first ?? last ?? PAGE_SIZE.usual, last == null ? 'first' : 'last', PAGE_SIZE.most),
    isBackward: last != null,
    after: after == null ? undefined : parseCursor(after, 'after'),
    before: before == null ? undefined : parseCursor(before, 'before'),
    offset: offset == null ? undefined : checkBetween(offset, 'offset', MAX_OFFSET),
  };
}

function checkBetween(value: number, path: string, most: number): number {
  if (value < 0 || value > most) throw badInput(path, `must be from 0 to ${most}`);
  return value;
}
