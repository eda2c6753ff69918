import {
  coerceInputValue,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type FieldNode,
  GraphQLError,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInputObjectType,
  isInputType,
  isListType,
  Kind,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql';
import { boundTo } from '../auth/gate.ts';
import { hasScope, type Principal } from '../auth/principal.ts';
import { AuditError, AuditErrors, MAX_PROBLEMS } from '../errors.ts';
import { inTurns } from '../event-loop.ts';
import { MAX_BATCH } from '../events/fields.ts';
import type { EventInput } from '../events/validate.ts';
import { type PathedInput, problemsOf } from '../log/append/record.ts';
import type { Context } from './context.ts';

/** The field whose argument of this name holds a batch. */
const BATCH = { field: 'logEvents', argument: 'input' };

/** An event as the principal may write it. */
export function boundInput(principal: Principal, input: EventInput, path: string): PathedInput {
  try {
    return { input: boundTo(principal, input, path), path };
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { input, path, problem: error };
  }
}

/**
 * Executes as graphql-js does, but names every problem of a refused batch of events, 100 at most: those that a resolver
 * has found as an error each; and where variables have the wrong type, so that no resolver runs, what else is wrong.
 */
export function createExecute(naming: { hideSuggestions: boolean }): typeof execute {
  return (args) => {
    // The first wrong value is enough for graphql-js, which prints it.
    const result = execute({ ...args, options: { maxCoercionErrors: 0 } });
    return result instanceof Promise
      ? result.then((one) => withEveryProblem(one, args, naming))
      : withEveryProblem(result, args, naming);
  };
}

function withEveryProblem(
  result: ExecutionResult,
  args: ExecutionArgs,
  { hideSuggestions }: { hideSuggestions: boolean },
): ReturnType<typeof execute> {
  const { errors } = result;
  if (!errors) return result;
  if ('data' in result) return { ...result, errors: errors.flatMap(eachOf) };
  const wrong = variableErrors(args, { most: MAX_PROBLEMS, hideSuggestions });
  return wrong.length === 0 ? result : withOtherProblems(wrong, args);
}

function eachOf(error: GraphQLError): GraphQLError[] {
  const { originalError, nodes = null, path = null } = error;
  if (!(originalError instanceof AuditErrors)) return [error];
  return originalError.all.map((one) => new GraphQLError(one.message, { nodes, path, originalError: one }));
}

async function withOtherProblems(
  errors: readonly GraphQLError[],
  args: ExecutionArgs,
): Promise<ExecutionResult> {
  const most = MAX_PROBLEMS - errors.length;
  const inputs = most > 0 ? await inputsOf(args) : [];
  const { pipeline } = (args.contextValue as Context).services;
  const others = inputs.length > 0 ? await problemsOf(pipeline, inputs, most) : [];
  return {
    errors: [...errors, ...others.map((one) => new GraphQLError(one.message, { originalError: one }))],
  };
}

// The events of batches that are variables, without the members that have the wrong type.
async function inputsOf({
  schema,
  document,
  operationName,
  variableValues,
  contextValue,
}: ExecutionArgs): Promise<PathedInput[]> {
  const { principal } = contextValue as Context;
  // Who may not write is told nothing of what was written.
  if (!hasScope(principal, 'events:write')) return [];
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== 'mutation') return [];
  const argument = schema.getMutationType()?.getFields()[BATCH.field]?.args[0];
  const type = argument && getNamedType(argument.type);
  if (!isInputObjectType(type)) return [];
  const fields = operation.selectionSet.selections.filter(
    (one): one is FieldNode => one.kind === Kind.FIELD && one.name.value === BATCH.field,
  );
  const batches = fields.map((field) => {
    const given = field.arguments?.find(({ name }) => name.value === BATCH.argument)?.value;
    const batch = given?.kind === Kind.VARIABLE ? variableValues?.[given.name.value] : undefined;
    return Array.isArray(batch) && batch.length <= MAX_BATCH ? batch : [];
  });
  const events = batches.flatMap((batch) => batch.map((value: unknown, index) => ({ value, index })));
  const inputs = await inTurns(events, ({ value, index }) => {
    const right = validMembers(value, type);
    if (!right) return undefined;
    // No event is recorded: without a type, the others of its members can be looked at.
    const input = { eventType: '', ...right.input } as EventInput;
    return { ...boundInput(principal, input, `${BATCH.argument}[${index}]`), isPart: right.isPart };
  });
  return inputs.filter((one) => one !== undefined);
}

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
export function variableErrors(args: ExecutionArgs, { most, hideSuggestions }: Naming): GraphQLError[] {
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
          errors.push(variableError(node, path, error));
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
function variableError(
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
export function validMembers(
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
