import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { AuditError } from '../errors.ts';
import type { Context } from './context.ts';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      auditOfReads: AuditOfReads<Types>;
    }
  }
}

type Resolver<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>;

/** The queries that record an event themselves before they answer. */
const RECORDED = new Set(['auditExport']);

/**
 * Audits every answered query, every opened subscription, and every denied field at any depth. A plugin of the schema, so it
 * covers every field that is added, whatever the document looks like.
 */
class AuditOfReads<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolve: Resolver<Types>,
    { kind, name, pothosOptions }: PothosOutputFieldConfig<Types>,
  ): Resolver<Types> {
    if (kind === 'Query')
      return audited(resolve, name, (context, result) => {
        if (!RECORDED.has(name))
          context.services.metaAudit.read(context, { what: name, events: eventsIn(result) });
      });
    const hasScopes = (pothosOptions as { authScopes?: unknown }).authScopes !== undefined;
    return kind === 'Mutation' || (kind !== 'Subscription' && hasScopes) ? audited(resolve, name) : resolve;
  }

  override wrapSubscribe(
    subscribe: Resolver<Types> | undefined,
    { kind, name }: PothosOutputFieldConfig<Types>,
  ): Resolver<Types> | undefined {
    if (kind !== 'Subscription' || !subscribe) return subscribe;
    return audited(subscribe, name, (context) =>
      context.services.metaAudit.subscribed(context, { what: name }),
    );
  }
}

SchemaBuilder.registerPlugin('auditOfReads', AuditOfReads);

function audited<Types extends SchemaTypes>(
  resolve: Resolver<Types>,
  name: string,
  onAnswer: (context: Context, result: unknown) => void = () => undefined,
): Resolver<Types> {
  return async (parent, args, context, info) => {
    const asked = context as unknown as Context;
    try {
      const result: unknown = await resolve(parent, args, context, info);
      onAnswer(asked, result);
      return result;
    } catch (error) {
      const isDenied = error instanceof AuditError && error.code === 'FORBIDDEN';
      if (isDenied) asked.services.metaAudit.denied(asked, { what: name });
      throw error;
    }
  };
}

/** The number of events in a resolved value: a page, a list, one, or none. */
function eventsIn(result: unknown): number {
  if (Array.isArray(result)) return result.filter(isEvent).length;
  if (typeof result === 'object' && result !== null && 'edges' in result)
    return (result.edges as unknown[]).length;
  return isEvent(result) ? 1 : 0;
}

// An event has these two whichever fields were asked for.
function isEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'position' in value && 'timestamp' in value;
}
