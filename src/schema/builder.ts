import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { hasScope, type Scope } from '../auth/principal-and-scopes.ts';
import { AuditError, badInput } from '../errors.ts';
import { type JsonObject, MAX_JSON_DEPTH, MAX_JSON_VALUES } from '../events/fields.ts';
import { PAGE_SIZE } from '../log/read/pages.ts';
import './audit-of-reads.ts';
import { GraphQLError, Kind, type ValueNode, valueFromASTUntyped } from 'graphql';
import { changedTo, problemOfNumber } from '../events/json.ts';
import { formatTime, parseTime } from '../events/time.ts';
import { isExactNumber } from '../parse-json.ts';
import type { Context } from './context.ts';
import { cost, countWithin, listSize, QUERY_COST } from './cost.ts';

/** Most ids in `nodes`. */
const MAX_NODES = 100;
export const ID = '"audit_" and 32 hex digits of a UUIDv7: the same in every interface and export.';

/** The schema builder: scalars, scopes, and the names and descriptions of Relay's fields. The types are in this folder. */
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
  // The first plugin is the outermost: it sees the denials of the second.
  plugins: ['auditOfReads', ScopeAuthPlugin, RelayPlugin],
  defaultFieldNullability: false,
  relay: {
    // The global id is the event's id, as in every interface and export.
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
      extensions: cost({ objects: (_, page) => countWithin(page('first') ?? page('last'), PAGE_SIZE) }),
    },
    nodeFieldOptions: { description: 'The event.', nullable: false },
    cursorFieldOptions: {
      description:
        'The cursor of the event: for `after` and `before` of a list, and `after` of a subscription.',
    },
    firstArgOptions: {
      description: `How many, from the beginning or \`after\`: ${PAGE_SIZE.usual} by default, ${PAGE_SIZE.most} at most.`,
    },
    lastArgOptions: {
      description: `How many, up to the end or \`before\`; not together with first; ${PAGE_SIZE.most} at most.`,
    },
    afterArgOptions: { description: 'A cursor: the events after it.' },
    beforeArgOptions: { description: 'A cursor: the events before it.' },
  },
  scopeAuth: {
    authorizeOnSubscribe: true,
    authScopes: ({ principal }) => ({ scope: (scope) => hasScope(principal, scope) }),
    unauthorizedError: () => new AuditError('FORBIDDEN', 'the API key does not have the scope for this'),
  },
});

builder.queryType({ description: 'Reads of the log.' });
builder.mutationType({ description: 'Writes to the log.' });
builder.subscriptionType({ description: 'The live feed of the log.' });

builder.scalarType('DateTime', {
  description:
    'RFC 3339 date-time, UTC with milliseconds; input with any offset is accepted and normalised. A leap second (23:59:60 UTC) becomes the second after it.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: formatTime,
  parseValue: parseDateTime,
  parseLiteral: (node) => atLiteral(node, parseDateTime),
});

builder.scalarType('JSONObject', {
  description: `A JSON object of up to ${MAX_JSON_DEPTH} levels and ${MAX_JSON_VALUES} values; integers up to 2^53 - 1, and decimals that a 64-bit floating-point number holds: send others as strings.`,
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-4',
  serialize: (value) => value as JsonObject,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => literalValue(node, variables ?? {}),
});

builder.scalarType('SafeInt', {
  description: 'An integer from -(2^53 - 1) to 2^53 - 1: log positions and counts.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc7493#section-2.2',
  serialize: (value) => value,
  parseValue: parseSafeInt,
  parseLiteral: (node) => atLiteral(node, parseSafeInt),
});

function parseSafeInt(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new GraphQLError('must be an integer from -(2^53 - 1) to 2^53 - 1');
  return value as number;
}

/** Parses a literal. Its error names the literal, from which its path is known. */
function atLiteral(node: ValueNode, parse: (value: unknown) => number): number {
  try {
    return parse(valueFromASTUntyped(node));
  } catch (error) {
    throw new GraphQLError((error as Error).message, { nodes: node });
  }
}

function parseDateTime(value: unknown): number {
  const time = typeof value === 'string' ? parseTime(value) : undefined;
  if (time === undefined)
    throw new GraphQLError('must be an RFC 3339 date-time such as 2026-01-31T12:00:00Z');
  return time;
}

function literalValue(node: ValueNode, variables: Record<string, unknown>): unknown {
  switch (node.kind) {
    case Kind.OBJECT:
      return literalObject(node.fields, variables);
    case Kind.LIST:
      return node.values.map((element) => literalValue(element, variables));
    case Kind.INT:
    case Kind.FLOAT:
      return literalNumber(node.value, node);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.VARIABLE:
      return variables[node.name.value];
    default:
      throw new GraphQLError('is not a JSON value', { nodes: node });
  }
}

function literalNumber(text: string, node: ValueNode): number {
  const value = Number(text);
  const problem = problemOfNumber(value) ?? (isExactNumber(text) ? undefined : changedTo(value));
  if (problem !== undefined) throw new GraphQLError(problem, { nodes: node });
  return value;
}

function literalObject(
  fields: readonly { name: { value: string }; value: ValueNode }[],
  variables: Record<string, unknown>,
): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { name, value } of fields) {
    if (name.value === '__proto__') throw new GraphQLError('is a name that cannot be kept', { nodes: value });
    object[name.value] = literalValue(value, variables);
  }
  return object;
}
