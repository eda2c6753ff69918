import {
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionSetNode,
  TypeMetaFieldDef,
  valueFromASTUntyped,
} from 'graphql';
import { AuditError } from '../errors.ts';
import type { Context } from './context.ts';

/** Returns the value of a field's argument by its name, unchecked; undefined when absent. */
export type Arguments = (name: string) => unknown;

/**
 * The cost of a field, in points. A plain field of an event costs one, about a microsecond. Declared beside the field as
 * `extensions: cost(...)`. A field without a declared cost costs one point, and such a list counts as ten objects.
 */
export interface FieldCost {
  /** The cost of the field itself: a statement of SQL, or a large value. */
  own?: number | ((args: Arguments) => number);
  /** How many objects it holds: each costs its selection. Gets the arguments of the field and of its parent field. */
  objects?: (args: Arguments, parent: Arguments) => number;
}

/** The cost of a statement of SQL that uses an index. */
export const QUERY_COST = 500;
/** The cost of a count. */
export const COUNT_COST = 2_000;

/** The extensions that declare a cost. */
export function cost(cost: FieldCost): { cost: FieldCost } {
  return { cost };
}

/** A client's number, limited to `most`. The resolver refuses more before any work. */
export function countWithin(value: unknown, { usual, most }: { usual: number; most: number }): number {
  return typeof value === 'number' ? Math.max(0, Math.min(value, most)) : usual;
}

/** The length of a client's list, limited to `most`. The resolver refuses more before any work. */
export function listSize(value: unknown, most: number): number {
  return Array.isArray(value) ? Math.min(value.length, most) : 1;
}

const USUAL_OBJECTS = 10;
const about = (objects: number): FieldCost => ({ objects: () => objects });

/** The costs of introspection's fields, which graphql-js defines: averages over the types of this schema. */
const INTROSPECTION_COSTS: Readonly<Record<string, FieldCost>> = {
  '__Schema.types': about(60),
  '__Schema.directives': about(6),
  '__Directive.args': about(1),
  '__Type.fields': about(3),
  '__Type.inputFields': about(2),
  '__Type.enumValues': about(2),
  '__Type.interfaces': about(0.1),
  '__Type.possibleTypes': about(0.1),
  '__Field.args': about(0.5),
};

/** The declared cost of a field; undefined: none. */
export function declaredCost(
  type: GraphQLNamedType,
  field: GraphQLField<unknown, unknown>,
): FieldCost | undefined {
  const { cost } = field.extensions as { cost?: FieldCost };
  return cost ?? (type.name.startsWith('__') ? INTROSPECTION_COSTS[`${type.name}.${field.name}`] : undefined);
}

/** Takes the cost of an operation from its key's rate limit. Throws QUERY_TOO_COMPLEX above `maxCost`, and RATE_LIMITED. */
export function spendOperationCost(args: ExecutionArgs, maxCost: number): void {
  const points = Math.ceil(costOf(args));
  if (points > maxCost) {
    const message = `the operation costs ${points} points, of ${maxCost} at most: ask for fewer events or fields`;
    throw new AuditError('QUERY_TOO_COMPLEX', message);
  }
  const { services, principal, work } = args.contextValue as Context;
  const due = work.due(points);
  services.rates.spend(principal.keyId, due);
  work.pay(due);
}

/** Takes the work that the cost of an operation did not cover from its key's rate limit. */
export function spendWork({
  services,
  principal,
  work,
}: Pick<Context, 'services' | 'principal' | 'work'>): void {
  services.rates.charge(principal.keyId, work.takeUnpaid());
}

/**
 * The cost of an operation in points, with the values of its variables. The document must be valid and within its limits.
 * Reads only the variables that a cost asks for, and does not coerce them.
 */
export function costOf({ schema, document, operationName, variableValues }: ExecutionArgs): number {
  const operation = getOperationAST(document, operationName);
  const type = operation && schema.getRootType(operation.operation);
  // The executor reports the error.
  if (!operation || !type) return 0;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const parts = { schema, fragments, variables: variablesOf(operation, variableValues ?? {}) };
  return costOfSelections(parts, operation.selectionSet, { type, args: () => undefined });
}

/** What is the same for all fields of an operation. */
interface CostedOperation {
  schema: GraphQLSchema;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  variables: Readonly<Record<string, unknown>>;
}

/** The parent of a selection: its type, and the arguments of its field. */
interface SelectionParent {
  type: GraphQLNamedType;
  args: Arguments;
}

function costOfSelections(
  operation: CostedOperation,
  { selections }: SelectionSetNode,
  place: SelectionParent,
): number {
  let cost = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      cost += costOfField(operation, selection, place);
      continue;
    }
    const fragment =
      selection.kind === Kind.FRAGMENT_SPREAD ? operation.fragments.get(selection.name.value) : selection;
    if (!fragment) continue;
    const type = fragment.typeCondition && operation.schema.getType(fragment.typeCondition.name.value);
    cost += costOfSelections(operation, fragment.selectionSet, type ? { ...place, type } : place);
  }
  return cost;
}

function costOfField(operation: CostedOperation, node: FieldNode, place: SelectionParent): number {
  const field = fieldOf(place.type, node.name.value);
  if (!field) return 1;
  const args = argumentsOf(node, field, operation.variables);
  const cost = declaredCost(place.type, field);
  const own = typeof cost?.own === 'function' ? cost.own(args) : (cost?.own ?? 1);
  if (!node.selectionSet) return own;
  const each = costOfSelections(operation, node.selectionSet, { type: getNamedType(field.type), args });
  if (!isListType(getNullableType(field.type))) return own + each;
  return own + (cost?.objects?.(args, place.args) ?? USUAL_OBJECTS) * (1 + each);
}

function fieldOf(type: GraphQLNamedType, name: string): GraphQLField<unknown, unknown> | undefined {
  if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
  if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

function argumentsOf(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  variables: Readonly<Record<string, unknown>>,
): Arguments {
  return (name) => {
    const given = node.arguments?.find((argument) => argument.name.value === name);
    const value = given && valueFromASTUntyped(given.value, variables);
    return value === undefined ? field.args.find((argument) => argument.name === name)?.defaultValue : value;
  };
}

function variablesOf(
  { variableDefinitions = [] }: OperationDefinitionNode,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  // Without a prototype: a variable may be called `valueOf`.
  const variables: Record<string, unknown> = Object.assign(Object.create(null), given);
  for (const { variable, defaultValue } of variableDefinitions) {
    const name = variable.name.value;
    if (defaultValue && variables[name] === undefined) variables[name] = valueFromASTUntyped(defaultValue);
  }
  return variables;
}
