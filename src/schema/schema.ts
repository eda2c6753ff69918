import { MapperKind, mapSchema } from '@graphql-tools/utils';
import { GraphQLEnumType, GraphQLFloat, type GraphQLObjectType, GraphQLSchema } from 'graphql';
import { type Catalog, enumName } from '../events/catalog.ts';
import type { AuditEvent } from '../events/fields.ts';
import { builder } from './builder.ts';
import './builder.ts';
import './event-connection.ts';
import './event.ts';
import './evidence.ts';
import './export.ts';
import './subscriptions.ts';
import './filter.ts';
import './keys.ts';
import './log-events.ts';
import './purge.ts';
import './summary.ts';

/** Creates the schema of the API, with the event types of the deployment. */
export function createSchema(catalog: Catalog): GraphQLSchema {
  const schema = withPlainIds(builder.toSchema());
  if (catalog.customTypes.length === 0) return withFloat(schema);
  const custom = mapSchema(schema, {
    [MapperKind.ENUM_TYPE]: (type) =>
      type.name === 'AuditEventType' ? withTypes(type, catalog.customTypes) : type,
  });
  return withFloat(custom);
}

// The Relay plugin resolves the id of a node by an async function, which makes a promise for each event of a page. A plain
// resolver takes a quarter off a page of 50.
function withPlainIds(schema: GraphQLSchema): GraphQLSchema {
  const { id } = (schema.getType('AuditEvent') as GraphQLObjectType).getFields();
  if (id) id.resolve = (event: AuditEvent) => event.id;
  return schema;
}

// No field is a Float, so mapSchema removes the type. A variable inside the literal of a JSONObject may be a Float.
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
