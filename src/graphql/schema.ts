import { MapperKind, mapSchema } from '@graphql-tools/utils';
import { GraphQLEnumType, type GraphQLSchema } from 'graphql';
import { type Catalog, enumName } from '../events/catalog.ts';
import { builder } from './builder.ts';
import { noticed } from './noticed.ts';
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

/** The schema of the API, with the event types of the deployment. Its use is noticed. */
export function createSchema(catalog: Catalog): GraphQLSchema {
  const schema = noticed(builder.toSchema());
  if (catalog.customTypes.length === 0) return schema;
  return mapSchema(schema, {
    [MapperKind.ENUM_TYPE]: (type) =>
      type.name === 'AuditEventType' ? withTypes(type, catalog.customTypes) : type,
  });
}

function withTypes(type: GraphQLEnumType, customTypes: readonly string[]): GraphQLEnumType {
  const config = type.toConfig();
  const added = customTypes.map((value) => [enumName(value), { value }] as const);
  return new GraphQLEnumType({ ...config, values: { ...config.values, ...Object.fromEntries(added) } });
}
