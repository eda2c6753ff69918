import { MapperKind, mapSchema } from '@graphql-tools/utils';
import { GraphQLEnumType, GraphQLFloat, GraphQLSchema } from 'graphql';
import { type Catalog, enumName } from '../events/catalog.ts';
import { builder } from './builder.ts';
import './scalars.ts';
import './types/connection.ts';
import './types/event.ts';
import './types/evidence.ts';
import './types/export.ts';
import './types/feed.ts';
import './types/filter.ts';
import './types/key.ts';
import './types/log.ts';
import './types/purge.ts';
import './types/summary.ts';

/** The schema of the API, with the event types of the deployment. */
export function createSchema(catalog: Catalog): GraphQLSchema {
  const schema = builder.toSchema();
  if (catalog.customTypes.length === 0) return withFloat(schema);
  const custom = mapSchema(schema, {
    [MapperKind.ENUM_TYPE]: (type) =>
      type.name === 'AuditEventType' ? withTypes(type, catalog.customTypes) : type,
  });
  return withFloat(custom);
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
