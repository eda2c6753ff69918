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
import { type Arguments, PRICES, type Price } from './prices.ts';

const USUAL_OBJECTS = 10;
const BY_TYPE = pricesByType();

/**
 * The price of an operation in points, with the values that its variables have this time. The document is valid and
 * within its bounds. Variables are looked at, not coerced: only those that a price asks for, and no further than that.
 */
export function costOf({ schema, document, operationName, variableValues }: ExecutionArgs): number {
  const operation = getOperationAST(document, operationName);
  const type = operation && schema.getRootType(operation.operation);
  // The executor says what is wrong then.
  if (!operation || !type) return 0;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const till = { schema, fragments, variables: variablesOf(operation, variableValues ?? {}) };
  return costOfSelections(till, operation.selectionSet, { type, args: () => undefined });
}

/** What stays the same for all fields of an operation. */
interface Till {
  schema: GraphQLSchema;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  variables: Readonly<Record<string, unknown>>;
}

/** Where a selection stands: on which type, in a field with which arguments. */
interface Place {
  type: GraphQLNamedType;
  args: Arguments;
}

function costOfSelections(till: Till, { selections }: SelectionSetNode, place: Place): number {
  let cost = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      cost += costOfField(till, selection, place);
      continue;
    }
    const fragment =
      selection.kind === Kind.FRAGMENT_SPREAD ? till.fragments.get(selection.name.value) : selection;
    if (!fragment) continue;
    const type = fragment.typeCondition && till.schema.getType(fragment.typeCondition.name.value);
    cost += costOfSelections(till, fragment.selectionSet, type ? { ...place, type } : place);
  }
  return cost;
}

function costOfField(till: Till, node: FieldNode, place: Place): number {
  const field = fieldOf(place.type, node.name.value);
  if (!field) return 1;
  const args = argumentsOf(node, field, till.variables);
  const price = BY_TYPE.get(place.type.name)?.get(field.name);
  const own = typeof price?.own === 'function' ? price.own(args) : (price?.own ?? 1);
  if (!node.selectionSet) return own;
  const each = costOfSelections(till, node.selectionSet, { type: getNamedType(field.type), args });
  if (!isListType(getNullableType(field.type))) return own + each;
  return own + (price?.objects?.(args, place.args) ?? USUAL_OBJECTS) * (1 + each);
}

// So that no name of a place has to be put together for each field.
function pricesByType(): Map<string, Map<string, Price>> {
  const byType = new Map<string, Map<string, Price>>();
  for (const [place, price] of Object.entries(PRICES)) {
    const [type = '', field = ''] = place.split('.');
    byType.set(type, (byType.get(type) ?? new Map<string, Price>()).set(field, price));
  }
  return byType;
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
  if (!variableDefinitions.some(({ defaultValue }) => defaultValue)) return given;
  const variables: Record<string, unknown> = { ...given };
  for (const { variable, defaultValue } of variableDefinitions) {
    const name = variable.name.value;
    if (defaultValue && variables[name] === undefined) variables[name] = valueFromASTUntyped(defaultValue);
  }
  return variables;
}
