import { visibleTo } from '../../access/viewer.ts';
import { badInput } from '../../errors.ts';
import type { AuditEvent } from '../../events/event.ts';
import type { EventFilter } from '../../events/filter.ts';
import { formatCursor, parseCursor } from '../../log/cursor.ts';
import { type EventOrder, listEvents, type Page, type PageRequest } from '../../log/list.ts';
import { Summary } from '../../log/summary/summary.ts';
import { builder } from '../builder.ts';
import { eventFieldsAsked } from '../fields-asked.ts';
import { checkFilter } from '../filter-input.ts';
import { AuditEventRef } from './event.ts';
import { AuditEventFilterRef } from './filter.ts';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;
const MAX_OFFSET = 10_000;

interface Connection extends Page {
  filters: EventFilter[];
}

const ORDER_DESCRIPTIONS = {
  TIMESTAMP_DESC: { description: 'What happened last comes first.' },
  TIMESTAMP_ASC: { description: 'What happened first comes first.' },
  POSITION_DESC: { description: 'What was recorded last comes first.' },
  POSITION_ASC: { description: 'In the order of the log.' },
} satisfies Record<EventOrder, { description: string }>;

const OrderRef = builder.enumType('AuditEventOrder', {
  description: 'The order of a list.',
  values: ORDER_DESCRIPTIONS,
});

const PageInfoRef = builder.objectRef<Page>('PageInfo').implement({
  description: 'Where a page stands in its list.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether there is more after this page.' }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether there is more before this page.',
    }),
    startCursor: t.string({
      nullable: true,
      description: 'The cursor of the first edge; null on an empty page.',
      resolve: ({ events }) => events[0] && formatCursor(events[0]),
    }),
    endCursor: t.string({
      nullable: true,
      description: 'The cursor of the last edge, for `after`; null on an empty page.',
      resolve: ({ events }) => {
        const last = events.at(-1);
        return last && formatCursor(last);
      },
    }),
  }),
});

export const AuditEventEdgeRef = builder.objectRef<AuditEvent>('AuditEventEdge').implement({
  description: 'An event in a list or on the feed.',
  fields: (t) => ({
    cursor: t.string({
      description: 'Its place: for `after` and `before` of a list, and `after` of a subscription.',
      resolve: formatCursor,
    }),
    node: t.field({ type: AuditEventRef, description: 'The event.', resolve: (event) => event }),
  }),
});

const ConnectionRef = builder.objectRef<Connection>('AuditEventConnection').implement({
  description: 'A page of events.',
  fields: (t) => ({
    edges: t.field({
      type: [AuditEventEdgeRef],
      description: 'The events of the page, in order.',
      resolve: ({ events }) => events,
    }),
    pageInfo: t.field({ type: PageInfoRef, description: 'Where the page stands.', resolve: (page) => page }),
    totalCount: t.field({
      type: 'SafeInt',
      description: 'How many events match, on all pages; exact.',
      resolve: ({ filters }, _args, { viewer, services }) =>
        new Summary(services.readerOf(viewer), filters, services.pipeline.now()).total(),
    }),
  }),
});

builder.queryField('auditEvents', (t) =>
  t.field({
    type: ConnectionRef,
    description: 'The events that match, in pages of 100 by default and 1,000 at most.',
    authScopes: { scope: 'events:read' },
    args: {
      filter: t.arg({ type: AuditEventFilterRef, description: 'Which events; absent: all.' }),
      orderBy: t.arg({ type: OrderRef, defaultValue: 'TIMESTAMP_DESC', description: 'In which order.' }),
      first: t.arg.int({
        description: `How many, from the beginning or \`after\`: ${DEFAULT_PAGE} by default, ${MAX_PAGE} at most.`,
      }),
      after: t.arg.string({ description: 'A cursor: what comes behind it.' }),
      last: t.arg.int({
        description: `How many, up to the end or \`before\`; not together with first; ${MAX_PAGE} at most.`,
      }),
      before: t.arg.string({ description: 'A cursor: what comes ahead of it.' }),
      offset: t.arg.int({ description: 'Page jump, 10,000 at most; not together with a cursor.' }),
    },
    resolve: async (_, { filter, orderBy, ...paging }, { viewer, services }, info) => {
      const filters = visibleTo(viewer, checkFilter(filter, services.pipeline.redaction));
      const page = await listEvents(services.readerOf(viewer), {
        fields: eventFieldsAsked(info),
        filters,
        order: orderBy ?? 'TIMESTAMP_DESC',
        ...checkPaging(paging),
      });
      return { ...page, filters };
    },
  }),
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
    limit: checkBetween(first ?? last ?? DEFAULT_PAGE, last == null ? 'first' : 'last', MAX_PAGE),
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
