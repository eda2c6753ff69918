import { MapperKind, mapSchema } from '@graphql-tools/utils';
import { defaultFieldResolver, type GraphQLFieldConfig, type GraphQLSchema } from 'graphql';
import { AuditError } from '../errors.ts';
import type { Context } from './context.ts';

type Field = GraphQLFieldConfig<unknown, Context>;
type Resolve = NonNullable<Field['resolve']>;

/** The queries that record an event of their own before they answer. */
const RECORDED = new Set(['auditExport']);

/**
 * The same schema, whose use is noticed: every query that is answered, every subscription that is opened, and every
 * field, also further in, that was asked for without the right to it. It goes by the schema itself, so no field that is
 * added to it can be forgotten, and no document can ask past it.
 */
export function noticed(schema: GraphQLSchema): GraphQLSchema {
  return mapSchema(schema, {
    [MapperKind.QUERY_ROOT_FIELD]: (field, name) => ({
      ...field,
      resolve: around(field.resolve, name, (context, result) => {
        if (!RECORDED.has(name))
          context.services.metaAudit.read(context, { what: name, events: eventsIn(result) });
      }),
    }),
    [MapperKind.SUBSCRIPTION_ROOT_FIELD]: (field, name) => ({
      ...field,
      subscribe: around(field.subscribe, name, (context) =>
        context.services.metaAudit.subscribed(context, { what: name }),
      ),
    }),
    [MapperKind.MUTATION_ROOT_FIELD]: (field, name) => ({ ...field, resolve: around(field.resolve, name) }),
    [MapperKind.OBJECT_FIELD]: (field, name) =>
      hasScopes(field) ? { ...field, resolve: around(field.resolve, name) } : undefined,
  });
}

function around(
  resolve: Resolve = defaultFieldResolver,
  name: string,
  onAnswer: (context: Context, result: unknown) => void = () => undefined,
): Resolve {
  return async (parent, args, context, info) => {
    try {
      const result: unknown = await resolve(parent, args, context, info);
      onAnswer(context, result);
      return result;
    } catch (error) {
      const isDenied = error instanceof AuditError && error.code === 'FORBIDDEN';
      if (isDenied) context.services.metaAudit.denied(context, { what: name });
      throw error;
    }
  };
}

function hasScopes({ extensions }: Field): boolean {
  const { pothosOptions } = (extensions ?? {}) as { pothosOptions?: { authScopes?: unknown } };
  return pothosOptions?.authScopes !== undefined;
}

/** How many events of the log a resolved value holds: a page, a list, one, or none. */
function eventsIn(result: unknown): number {
  if (Array.isArray(result)) return result.filter(isEvent).length;
  if (typeof result === 'object' && result !== null && 'events' in result) return eventsIn(result.events);
  return isEvent(result) ? 1 : 0;
}

function isEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'leafHash' in value;
}
