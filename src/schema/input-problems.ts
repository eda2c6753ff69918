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
import { hasScope, type Principal } from '../auth/principal-and-scopes.ts';
import { AuditError, AuditErrors, MAX_PROBLEMS } from '../errors.ts';
import { mapAcrossTurns } from '../event-loop.ts';
import { MAX_BATCH } from '../events/fields.ts';
import type { EventInput } from '../events/validate.ts';
import { type PathedInput, problemsOf } from '../log/append/record.ts';
import type { Context } from './context.ts';

// An invalid batch of events gets an error for each of its problems, 100 at most:
//
// 1. graphql-js stops at the first invalid variable and prints its whole value, which may be large. `variableErrors` coerces
//    the variables again, and reports each invalid value, shortened.
// 2. `shortened` cuts the values before graphql-js prints them.
// 3. `checkableInputs` removes the invalid members from the events, so that the log can check the rest of each event.

/** The field, and its argument that holds a batch. */
const BATCH = { field: 'logEvents', argument: 'input' };

/** The event with the customer that the principal is bound to, or with the problem that it names another one. */
export function boundInput(principal: Principal, input: EventInput, path: string): PathedInput {
  try {
    return { input: boundTo(principal, input, path), path };
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { input, path, problem: error };
  }
}

/**
 * Creates an `execute` that returns every problem of a refused batch of events: the problems that the resolver has found, as
 * an error each; or, when variables have the wrong type and no resolver runs, those and the other problems of the events.
 */
export function createExecute(naming: { hideSuggestions: boolean }): typeof execute {
  return (args) => {
    // graphql-js stops at the first invalid value, since the others are found below.
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
  if ('data' in result) return { ...result, errors: errors.flatMap(separateErrors) };
  const wrong = variableErrors(args, { most: MAX_PROBLEMS, hideSuggestions });
  return wrong.length === 0 ? result : withOtherProblems(wrong, args);
}

function separateErrors(error: GraphQLError): GraphQLError[] {
  const { originalError, nodes = null, path = null } = error;
  if (!(originalError instanceof AuditErrors)) return [error];
  return originalError.all.map((one) => new GraphQLError(one.message, { nodes, path, originalError: one }));
}

async function withOtherProblems(
  errors: readonly GraphQLError[],
  args: ExecutionArgs,
): Promise<ExecutionResult> {
  const most = MAX_PROBLEMS - errors.length;
  const inputs = most > 0 ? await checkableInputs(args) : [];
  const { pipeline } = (args.contextValue as Context).services;
  const others = inputs.length > 0 ? await problemsOf(pipeline, inputs, most) : [];
  return {
    errors: [...errors, ...others.map((one) => new GraphQLError(one.message, { originalError: one }))],
  };
}

/** The events of the batches in variables, without their invalid members. */
async function checkableInputs(args: ExecutionArgs): Promise<PathedInput[]> {
  const { principal } = args.contextValue as Context;
  // A principal without events:write gets no details about the events.
  if (!hasScope(principal, 'events:write')) return [];
  const argument = args.schema.getMutationType()?.getFields()[BATCH.field]?.args[0];
  const type = argument && getNamedType(argument.type);
  if (!isInputObjectType(type)) return [];
  const events = batchesInVariables(args).flatMap((batch) => batch.map((value, index) => ({ value, index })));
  const inputs = await mapAcrossTurns(events, ({ value, index }) => {
    const valid = validMembers(value, type);
    if (!valid) return undefined;
    // Without a valid type, the other members can still be checked: no event of the batch is recorded.
    const input = { eventType: '', ...valid.input } as EventInput;
    return { ...boundInput(principal, input, `${BATCH.argument}[${index}]`), isPart: valid.isPart };
  });
  return inputs.filter((one) => one !== undefined);
}

/** The batches of a mutation that are variables, as they were sent. */
function batchesInVariables({ document, operationName, variableValues }: ExecutionArgs): unknown[][] {
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== 'mutation') return [];
  const fields = operation.selectionSet.selections.filter(
    (one): one is FieldNode => one.kind === Kind.FIELD && one.name.value === BATCH.field,
  );
  return fields.flatMap((field) => {
    const given = field.arguments?.find(({ name }) => name.value === BATCH.argument)?.value;
    const batch = given?.kind === Kind.VARIABLE ? variableValues?.[given.name.value] : undefined;
    return Array.isArray(batch) && batch.length <= MAX_BATCH ? [batch] : [];
  });
}

/** About how many characters of an invalid value an error shows. */
const SHOWN_CHARACTERS = 200;

interface Naming {
  /** Most errors. */
  most: number;
  /** Whether errors hide suggestions of the schema's names. */
  hideSuggestions: boolean;
}

/** Thrown to stop graphql-js, which has no other way to end a coercion early. */
class MaxErrorsReached extends Error {}

/**
 * Returns an error for each variable, or part of one, that does not have the declared type. graphql-js prints the whole value
 * into its error, and once more into that of a built-in scalar. These errors show the beginning only.
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
        shortened(values.get(name) ?? null, type),
        type,
        (path, _, error) => {
          errors.push(variableError(node, path, error));
          if (errors.length >= most) throw new MaxErrorsReached();
        },
        hideSuggestions,
      );
    }
  } catch (error) {
    if (!(error instanceof MaxErrorsReached)) throw error;
  }
  return errors;
}

// In the words of graphql-js, without the value.
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

/** The valid members of an input object, and whether some were removed; undefined: the value is no object. */
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
  coerceInputValue(shortened(members, type), type, onError, true);
  const isPart = isMissing || Object.keys(members).length < Object.keys(value).length;
  return { input: coerceInputValue(members, type, () => undefined, true) as object, isPart };
}

/** A copy of a value in which each leaf is cut to what an error shows. */
function shortened(value: unknown, type: GraphQLInputType): unknown {
  const inner = getNullableType(type);
  // A generator, since graphql-js may stop at the first of very many elements.
  if (isListType(inner) && Array.isArray(value)) return shortenedEach(value, inner.ofType);
  if (!isInputObjectType(inner) || !isObject(value)) return cut(value, { left: SHOWN_CHARACTERS });
  const fields = inner.getFields();
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const field = fields[name];
      // graphql-js compares an unknown name with those of all fields.
      return field ? [name, shortened(member, field.type)] : [cut(name, { left: SHOWN_CHARACTERS }), null];
    }),
  );
}

function* shortenedEach(values: readonly unknown[], type: GraphQLInputType): Generator<unknown> {
  for (const value of values) yield shortened(value, type);
}

function cut(value: unknown, budget: { left: number }): unknown {
  budget.left -= 1;
  if (typeof value === 'string') {
    const kept = value.slice(0, Math.max(0, budget.left));
    budget.left -= kept.length;
    return kept.length < value.length ? `${kept}...` : value;
  }
  if (Array.isArray(value)) return [...cutEach(value.values(), budget)];
  if (!isObject(value)) return value;
  return Object.fromEntries([...cutEach(Object.entries(value).values(), budget)] as [string, unknown][]);
}

function* cutEach(
  values: Iterator<unknown> & Iterable<unknown>,
  budget: { left: number },
): Generator<unknown> {
  for (const value of values) {
    if (budget.left <= 0) return;
    yield cut(value, budget);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
