import {
  type GraphQLError,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLList,
  type GraphQLSchema,
  getVariableValues,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  isScalarType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';

const MAX_ERRORS = 50;

/** The values of an operation's variables, or why they are none of their types. */
export type Variables =
  | { values: Record<string, unknown>; errors?: undefined }
  | { values?: undefined; errors: readonly GraphQLError[] };

/** Coerces what a client gave for the variables of an operation. */
export type VariableCoercion = (given: Readonly<Record<string, unknown>>) => Variables;

/** Coerces a value, or throws: what is wrong with it, graphql-js finds out. */
type Coerce = (value: unknown) => unknown;

class NotCoerced extends Error {}
// Thrown for every wrong value: to take the stack each time would cost more than to coerce.
const NOT_COERCED = new NotCoerced();

/**
 * Makes the coercion for an operation. Values that are right, nearly all, are coerced by functions made once for their
 * types, which keep no paths; as soon as one is not, graphql-js does it all again and says what is wrong, and where.
 */
export function createVariableCoercion(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): VariableCoercion {
  const coercions = variableDefinitions.flatMap(({ variable, type: node, defaultValue }) => {
    const type = typeFromAST(schema, node as never) as GraphQLInputType;
    // Whose default has to be coerced too is rare.
    return defaultValue ? [] : [{ name: variable.name.value, type, coerce: coercerOf(type) }];
  });
  const hasDefaults = coercions.length < variableDefinitions.length;

  function coerced(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const { name, type, coerce } of coercions) {
      if (Object.hasOwn(given, name)) values[name] = coerce(given[name]);
      else if (isNonNullType(type)) throw NOT_COERCED;
    }
    return values;
  }

  return (given) => {
    try {
      if (!hasDefaults) return { values: coerced(given) };
    } catch {
      // Said below.
    }
    const result = getVariableValues(schema, variableDefinitions, given, { maxErrors: MAX_ERRORS });
    return result.coerced ? { values: result.coerced } : { errors: result.errors };
  };
}

const coercers = new WeakMap<GraphQLInputType, Coerce>();

// Kept by type: a type may hold itself.
function coercerOf(type: GraphQLInputType): Coerce {
  const known = coercers.get(type);
  if (known) return known;
  let made: Coerce | undefined;
  const coerce: Coerce = (value) => {
    made ??= makeCoercer(type);
    return made(value);
  };
  coercers.set(type, coerce);
  return coerce;
}

function makeCoercer(type: GraphQLInputType): Coerce {
  if (isNonNullType(type)) {
    const coerce = coercerOf(type.ofType);
    return (value) => (value === null || value === undefined ? refuse() : coerce(value));
  }
  const coerce = coercerOfNullable(type);
  return (value) => (value === null || value === undefined ? null : coerce(value));
}

function coercerOfNullable(type: GraphQLInputType): Coerce {
  if (isListType(type)) return listCoercer(type);
  if (isInputObjectType(type)) return type.isOneOf ? refuse : objectCoercer(type);
  if (isEnumType(type) || isScalarType(type)) {
    return (value) => {
      const parsed = type.parseValue(value);
      return parsed === undefined ? refuse() : parsed;
    };
  }
  return refuse;
}

function listCoercer({ ofType }: GraphQLList<GraphQLInputType>): Coerce {
  const coerce = coercerOf(ofType);
  return (value) => (Array.isArray(value) ? value.map((item) => coerce(item)) : [coerce(value)]);
}

function objectCoercer(type: GraphQLInputObjectType): Coerce {
  const fields = Object.values(type.getFields()).map((field) => ({ field, coerce: coercerOf(field.type) }));
  return (value) => {
    if (typeof value !== 'object' || Array.isArray(value)) throw NOT_COERCED;
    const given = value as Record<string, unknown>;
    const coerced: Record<string, unknown> = {};
    let known = 0;
    for (const { field, coerce } of fields) {
      if (Object.hasOwn(given, field.name)) known += 1;
      if (given[field.name] !== undefined) coerced[field.name] = coerce(given[field.name]);
      else setDefault(coerced, field);
    }
    // One more is a field that the type does not have.
    if (known !== Object.keys(given).length) throw NOT_COERCED;
    return coerced;
  };
}

function setDefault(coerced: Record<string, unknown>, field: GraphQLInputField): void {
  if (field.defaultValue !== undefined) coerced[field.name] = field.defaultValue;
  else if (isRequiredInputField(field)) throw NOT_COERCED;
}

function refuse(): never {
  throw NOT_COERCED;
}
