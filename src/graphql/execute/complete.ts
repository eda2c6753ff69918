import {
  defaultTypeResolver,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLList,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { executeFields } from './fields.ts';
import type { ObjectPlan, Plan } from './plan.ts';
import { addPath, endedBefore, fail, isPromise, type Path, type Run, refuseError } from './run.ts';

/**
 * Makes what is answered out of what a resolver has returned, at `key` of the place `prev` (GraphQL, 6.4.3: Value
 * Completion). Throws where it is none of its type.
 */
export type Complete = (run: Run, value: unknown, prev: Path | undefined, key: string | number) => unknown;

/** Where the values stand that are to be completed. */
export interface Site {
  type: GraphQLOutputType;
  parent: GraphQLObjectType;
  field: GraphQLField<unknown, unknown>;
  nodes: readonly FieldNode[];
}

/** Makes the completing of the values of a field, or of their elements. */
export function completerOf(plan: Plan, site: Site): Complete {
  const { type } = site;
  if (isNonNullType(type)) return nonNull(plan, { ...site, type: type.ofType });
  if (isListType(type)) return list(plan, site, type);
  if (isLeafType(type)) return leaf(type);
  return isAbstractType(type) ? abstract(plan, site, type) : object(plan, site, type);
}

function nonNull(plan: Plan, site: Site): Complete {
  const complete = completerOf(plan, site);
  const refuse = (value: unknown) => {
    if (value !== null) return value;
    throw new Error(`Cannot return null for non-nullable field ${site.parent.name}.${site.field.name}.`);
  };
  return (run, value, prev, key) => {
    const completed = complete(run, value, prev, key);
    return isPromise(completed) ? completed.then(refuse) : refuse(completed);
  };
}

function leaf(type: GraphQLLeafType): Complete {
  return (_run, value) => {
    if (value === null || value === undefined) return null;
    const serialized = serialize(type, value);
    if (serialized !== null && serialized !== undefined) return serialized;
    throw new Error(`a value of type ${type.name} was serialized as ${serialized}`);
  };
}

// A GraphQLError would be taken for one about what the client has sent.
function serialize(type: GraphQLLeafType, value: unknown): unknown {
  try {
    return type.serialize(value);
  } catch (error) {
    throw new Error((error as Error).message, { cause: error });
  }
}

function list(plan: Plan, site: Site, type: GraphQLList<GraphQLOutputType>): Complete {
  const complete = completerOf(plan, { ...site, type: type.ofType });
  const place = { nodes: site.nodes, isNonNull: isNonNullType(type.ofType) };

  function completeItem(run: Run, item: unknown, path: Path, index: number): unknown {
    const failed = (error: unknown) => fail(run, place, error, addPath(path, index));
    try {
      const completed = isPromise(item)
        ? item.then((value) => complete(run, refuseError(value), path, index))
        : complete(run, refuseError(item), path, index);
      return isPromise(completed) ? completed.then(undefined, failed) : completed;
    } catch (error) {
      return failed(error);
    }
  }

  return (run, value, prev, key) => {
    if (value === null || value === undefined) return null;
    if (typeof value !== 'object' || !(Symbol.iterator in value))
      throw new Error(
        `Expected Iterable, but did not find one for field "${site.parent.name}.${site.field.name}".`,
      );
    const path = addPath(prev, key, typeof key === 'string' ? site.parent.name : undefined);
    const items: unknown[] = [];
    let isWaiting = false;
    try {
      for (const item of value as Iterable<unknown>) {
        const completed = completeItem(run, item, path, items.length);
        isWaiting ||= isPromise(completed);
        items.push(completed);
      }
    } catch (error) {
      if (!isWaiting) throw error;
      return endedBefore(items, error);
    }
    return isWaiting ? Promise.all(items) : items;
  };
}

function object(plan: Plan, site: Site, type: GraphQLObjectType): Complete {
  let fields: ObjectPlan | undefined;
  return (run, value, prev, key) => {
    if (value === null || value === undefined) return null;
    fields ??= plan.fieldsOf(type, site.nodes);
    const path = addPath(prev, key, typeof key === 'string' ? site.parent.name : undefined);
    const own = fields;
    if (!type.isTypeOf) return executeFields(run, own, value, path);
    const refuse = (isOfType: boolean) => {
      if (!isOfType) throw new Error(`a value of another type than ${type.name}`);
      return executeFields(run, own, value, path);
    };
    const isOfType = type.isTypeOf(value, run.context, infoOf(plan, run, site, path));
    return isPromise(isOfType) ? isOfType.then((is) => refuse(Boolean(is))) : refuse(isOfType);
  };
}

function abstract(plan: Plan, site: Site, type: GraphQLAbstractType): Complete {
  const resolveType = type.resolveType ?? defaultTypeResolver;
  const completers = new Map<string, Complete>();

  function completerFor(name: string | undefined): Complete {
    const known = completers.get(name ?? '');
    if (known) return known;
    const concrete = name === undefined ? undefined : plan.schema.getType(name);
    if (!isObjectType(concrete) || !plan.schema.isSubType(type, concrete))
      throw new Error(`a value of ${type.name} was resolved to "${name}", which is no type of it`);
    const complete = object(plan, site, concrete);
    completers.set(concrete.name, complete);
    return complete;
  }

  return (run, value, prev, key) => {
    if (value === null || value === undefined) return null;
    const info = infoOf(plan, run, site, addPath(prev, key, site.parent.name));
    const name = resolveType(value, run.context, info, type);
    return isPromise(name)
      ? name.then((resolved) => completerFor(resolved as string | undefined)(run, value, prev, key))
      : completerFor(name)(run, value, prev, key);
  };
}

function infoOf(plan: Plan, run: Run, { field, nodes, parent }: Site, path: Path): GraphQLResolveInfo {
  return {
    fieldName: field.name,
    fieldNodes: nodes,
    returnType: field.type,
    parentType: parent,
    path,
    schema: plan.schema,
    fragments: plan.fragments,
    rootValue: run.rootValue,
    operation: plan.operation,
    variableValues: run.variables,
  };
}
