import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from '../events/bounds.ts';
import type { JsonObject } from '../events/event.ts';
import { changedTo, problemOfNumber } from '../events/json.ts';
import { formatTime, parseTime } from '../events/time.ts';
import { isExactNumber } from '../parse-json.ts';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description:
    'RFC 3339 date-time, UTC with milliseconds; input with any offset is accepted and normalised. A leap second (23:59:60 UTC) becomes the second after it.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: formatTime,
  parseValue: (value) => parseDateTime(value),
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
  parseValue: (value) => {
    if (!Number.isSafeInteger(value))
      throw new GraphQLError('must be an integer from -(2^53 - 1) to 2^53 - 1');
    return value as number;
  },
});

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
