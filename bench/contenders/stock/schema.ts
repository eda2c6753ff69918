import SchemaBuilder from '@pothos/core';
import type { GraphQLSchema } from 'graphql';
import type { StockClient, StockEvent } from './client.ts';

const PAGE = 50;

/** The schema: one insert for a mutation, one query for a page. */
export function createStockSchema(prisma: StockClient): GraphQLSchema {
  // The option is there for the product's plugin, which is not used here.
  const builder = new SchemaBuilder<{ Scalars: { JSON: { Input: object; Output: unknown } } }>({
    scopeAuth: { authScopes: () => ({}) },
  });
  builder.scalarType('JSON', { serialize: (value) => value, parseValue: (value) => value as object });
  const optional = ['userId', 'customerId', 'ipAddress', 'resourceType', 'resourceId'] as const;
  const required = ['id', 'eventType', 'outcome', 'severity', 'action', 'description'] as const;
  const event = builder.objectRef<StockEvent>('AuditEvent').implement({
    fields: (t) => ({
      ...Object.fromEntries(required.map((name) => [name, t.exposeString(name)])),
      ...Object.fromEntries(optional.map((name) => [name, t.exposeString(name, { nullable: true })])),
      position: t.string({ resolve: ({ position }) => String(position) }),
      timestamp: t.string({ resolve: ({ timestamp }) => timestamp.toISOString() }),
      details: t.field({ type: 'JSON', resolve: ({ details }) => details }),
    }),
  });
  const texts = ['eventType', 'outcome', 'severity', 'action', 'description'] as const;
  const nullable = [...optional, 'sessionId', 'userAgent', 'requestId'] as const;
  const input = builder.inputType('LogEventInput', {
    fields: (t) => ({
      ...Object.fromEntries(texts.map((name) => [name, t.string({ required: true })])),
      ...Object.fromEntries(nullable.map((name) => [name, t.string()])),
      details: t.field({ type: 'JSON', required: true }),
      oldValues: t.field({ type: 'JSON' }),
      newValues: t.field({ type: 'JSON' }),
    }),
  });
  const rowOf = (given: object) => ({ ...given, timestamp: new Date() });
  builder.mutationType({
    fields: (t) => ({
      logEvent: t.field({
        type: event,
        args: { input: t.arg({ type: input, required: true }) },
        resolve: (_, args) => prisma.auditEvent.create({ data: rowOf(args.input) }),
      }),
      logEvents: t.int({
        args: { input: t.arg({ type: [input], required: true }) },
        resolve: async (_, args) =>
          (await prisma.auditEvent.createMany({ data: args.input.map(rowOf) })).count,
      }),
    }),
  });
  builder.queryType({
    fields: (t) => ({
      auditEvents: t.field({
        type: [event],
        args: { customerId: t.arg.string({ required: true }), first: t.arg.int({ defaultValue: PAGE }) },
        resolve: (_, { customerId, first }) =>
          prisma.auditEvent.findMany({
            where: { customerId },
            orderBy: [{ timestamp: 'desc' }, { position: 'desc' }],
            take: first ?? PAGE,
          }),
      }),
    }),
  });
  return builder.toSchema();
}
