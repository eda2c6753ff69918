import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { Scope } from '../access/scopes.ts';
import { hasScope } from '../access/viewer.ts';
import { AuditError, badInput } from '../errors.ts';
import type { JsonObject } from '../events/event.ts';
import './audit-of-reads.ts';
import type { Context } from './context.ts';
import { cost, listSize, QUERY_COST, wholeNumber } from './cost.ts';

/** Events in a page: when nothing is said, and at most. */
export const PAGE = { usual: 100, most: 1_000 };
/** Most ids in `nodes`. */
const MAX_NODES = 100;
export const ID = '"audit_" and 32 hex digits of a UUIDv7: the same in every interface and export.';

/** The schema builder: scalars, scopes, and what Relay's conventions are called here; the types are in `types/`. */
export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  AuthScopes: { scope: Scope };
  Scalars: {
    DateTime: { Input: number; Output: number };
    JSONObject: { Input: unknown; Output: JsonObject };
    SafeInt: { Input: number; Output: number };
    ID: { Input: string; Output: string };
  };
}>({
  // The first one is outermost: it sees what the scopes refuse.
  plugins: ['auditOfReads', ScopeAuthPlugin, RelayPlugin],
  defaultFieldNullability: false,
  relay: {
    // An id is that of the event, the same in every interface and export.
    encodeGlobalID: (_typename, id) => String(id),
    decodeGlobalID: (id) => ({ typename: 'AuditEvent', id }),
    brandLoadedObjects: false,
    cursorType: 'String',
    nodeTypeOptions: {
      description: 'An object that has an id of its own.',
      resolveType: () => 'AuditEvent',
    },
    idFieldOptions: { description: ID },
    nodeQueryOptions: {
      description: 'The object with this id; null when there is none that the key may see.',
      authScopes: { scope: 'events:read' },
      extensions: cost({ own: QUERY_COST }),
      args: { id: { description: 'The id of an event.' } },
    },
    nodesQueryOptions: {
      description:
        'The objects with these ids, in their order; null in place of one that the key may not see.',
      authScopes: { scope: 'events:read' },
      extensions: cost({ own: QUERY_COST, objects: (args) => listSize(args('ids'), MAX_NODES) }),
      args: { ids: { description: `The ids of events, ${MAX_NODES} at most.` } },
      resolve: (_root, { ids }, _context, _info, resolveNodes) => {
        if (ids.length > MAX_NODES) throw badInput('ids', `holds more than ${MAX_NODES} ids`);
        return resolveNodes(ids);
      },
    },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.' },
    hasNextPageFieldOptions: { description: 'Whether there is more after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there is more before this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first edge; null on an empty page.' },
    endCursorFieldOptions: {
      description: 'The cursor of the last edge, for `after`; null on an empty page.',
    },
    pageInfoFieldOptions: { description: 'Where the page stands.' },
    edgesFieldOptions: {
      description: 'The events of the page, in order.',
      nullable: { list: false, items: false },
      extensions: cost({ objects: (_, page) => wholeNumber(page('first') ?? page('last'), PAGE) }),
    },
    nodeFieldOptions: { description: 'The event.', nullable: false },
    cursorFieldOptions: {
      description: 'Its place: for `after` and `before` of a list, and `after` of a subscription.',
    },
    firstArgOptions: {
      description: `How many, from the beginning or \`after\`: ${PAGE.usual} by default, ${PAGE.most} at most.`,
    },
    lastArgOptions: {
      description: `How many, up to the end or \`before\`; not together with first; ${PAGE.most} at most.`,
    },
    afterArgOptions: { description: 'A cursor: what comes behind it.' },
    beforeArgOptions: { description: 'A cursor: what comes ahead of it.' },
  },
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ viewer }) => ({ scope: (scope) => hasScope(viewer, scope) }),
    unauthorizedError: () => new AuditError('FORBIDDEN', 'the API key does not have the scope for this'),
  },
});

builder.queryType({ description: 'Reads of the log.' });
builder.mutationType({ description: 'Writes to the log.' });
builder.subscriptionType({ description: 'The live feed of the log.' });
