import {
  coerceInputValue,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNullableType,
  getOperationAST,
  isInputObjectType,
  isInputType,
  isListType,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql';

/** About how many characters of a wrong value an error shows. */
const MAX_SHOWN = 200;

interface Naming {
  /** How many values are named. */
  most: number;
  /** Whether an error suggests no names of the schema. */
  hideSuggestions: boolean;
}

class Enough extends Error {}

/**
 * An error for each variable, or part of one, that has not the type that the operation declares. graphql-js prints each
 * value whole into its error, and once more into that of a built-in scalar: here only the beginning of it.
 */
export function wrongValues(args: ExecutionArgs, { most, hideSuggestions }: Naming): GraphQLError[] {
  const { schema, document, operationName, variableValues } = args;
  const errors: GraphQLError[] = [];
  const values = new Map(Object.entries(variableValues ?? {}));
  try {
    for (const node of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
      const type = typeFromAST(schema, node.type);
      const { value: name } = node.variable.name;
      if (!isInputType(type) || (!values.has(name) && node.defaultValue)) continue;
      coerceInputValue(
        shown(values.get(name) ?? null, type),
        type,
        (path, _, error) => {
          errors.push(wrongValue(node, path, error));
          if (errors.length >= most) throw new Enough();
        },
        hideSuggestions,
      );
    }
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  return errors;
}

// As graphql-js words it, without the value.
function wrongValue(
  node: VariableDefinitionNode,
  path: readonly (string | number)[],
  error: GraphQLError,
): GraphQLError {
  const { value: name } = node.variable.name;
  const place = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
  const message = `Variable "$${name}" got an invalid value at "${name}${place}"; ${error.message}`;
  return new GraphQLError(message, { nodes: node, originalError: error });
}

/** What is left of an input object without the members that have the wrong type; undefined when it is no object. */
export function rightValues(
  value: unknown,
  type: GraphQLInputObjectType,
): { input: object; isPart: boolean } | undefined {
  if (!isObject(value)) return undefined;
  const members = Object.fromEntries(
    Object.keys(type.getFields()).flatMap((name) =>
      Object.hasOwn(value, name) ? [[name, value[name]]] : [],
    ),
  );
  let isMissing = false;
  const onError = ([name]: readonly (string | number)[]) => {
    if (name === undefined) isMissing = true;
    else delete members[name];
  };
  coerceInputValue(shown(members, type), type, onError, true);
  const isPart = isMissing || Object.keys(members).length < Object.keys(value).length;
  return { input: coerceInputValue(members, type, () => undefined, true) as object, isPart };
}

/** A value with only so much of each leaf as an error shows. */
function shown(value: unknown, type: GraphQLInputType): unknown {
  const inner = getNullableType(type);
  // One after the other: the first of very many may be enough.
  if (isListType(inner) && Array.isArray(value)) return shownOneByOne(value, inner.ofType);
  if (!isInputObjectType(inner) || !isObject(value)) return cut(value, { left: MAX_SHOWN });
  const fields = inner.getFields();
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const field = fields[name];
      return [name, field ? shown(member, field.type) : null];
    }),
  );
}

function* shownOneByOne(values: readonly unknown[], type: GraphQLInputType): Generator<unknown> {
  for (const value of values) yield shown(value, type);
}

function cut(value: unknown, room: { left: number }): unknown {
  room.left -= 1;
  if (typeof value === 'string') {
    const kept = value.slice(0, Math.max(0, room.left));
    room.left -= kept.length;
    return kept.length < value.length ? `${kept}...` : value;
  }
  if (Array.isArray(value)) return [...cutEach(value.values(), room)];
  if (!isObject(value)) return value;
  return Object.fromEntries([...cutEach(Object.entries(value).values(), room)] as [string, unknown][]);
}

function* cutEach(values: Iterator<unknown> & Iterable<unknown>, room: { left: number }): Generator<unknown> {
  for (const value of values) {
    if (room.left <= 0) return;
    yield cut(value, room);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
