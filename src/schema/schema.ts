import { MapperKind, mapSchema } from '@graphql-tools/utils';
import { GraphQLEnumType, GraphQLFloat, type GraphQLObjectType, GraphQLSchema } from 'graphql';
import { type Catalog, enumName } from '../events/catalog.ts';
import type { AuditEvent } from '../events/fields.ts';
import { builder } from './builder.ts';
import './builder.ts';
import './event-pages.ts';
import './event.ts';
import './evidence.ts';
import './export.ts';
import './subscriptions.ts';
import './filter.ts';
import './keys.ts';
import './log-events.ts';
import './purge.ts';
import './summary.ts';

/** The schema of the API, with the event types of the deployment. */
export function createSchema(catalog: Catalog): GraphQLSchema {
  const schema = withPlainIds(builder.toSchema());
  if (catalog.customTypes.length === 0) return withFloat(schema);
  const custom = mapSchema(schema, {
    [MapperKind.ENUM_TYPE]: (type) =>
      type.name === 'AuditEventType' ? withTypes(type, catalog.customTypes) : type,
  });
  return withFloat(custom);
}

// The Relay plugin resolves the id of a node by an async function, so each event of a page would be a promise of its own;
// graphql-js reads a member by itself. A page of 50 takes a quarter less.
function withPlainIds(schema: GraphQLSchema): GraphQLSchema {
  const { id } = (schema.getType('AuditEvent') as GraphQLObjectType).getFields();
  if (id) id.resolve = (event: AuditEvent) => event.id;
  return schema;
}

// No field is a Float, so mapping leaves it out; but a variable within the literal of a JSONObject may be one.
function withFloat(schema: GraphQLSchema): GraphQLSchema {
  const config = schema.toConfig();
  return new GraphQLSchema({ ...config, types: [...config.types, GraphQLFloat] });
}

function withTypes(type: GraphQLEnumType, customTypes: readonly string[]): GraphQLEnumType {
  const config = type.toConfig();
  const added = customTypes.map(
    (value) =>
      [enumName(value), { value, description: `"${value}", an event type of this deployment.` }] as const,
  );
  return new GraphQLEnumType({ ...config, values: { ...config.values, ...Object.fromEntries(added) } });
}
