import {
  coerceInputValue,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type FieldNode,
  GraphQLError,
  getNamedType,
  getOperationAST,
  isInputObjectType,
  Kind,
} from 'graphql';
import { boundTo, type Viewer } from '../access/viewer.ts';
import { AuditError, AuditErrors, MAX_PROBLEMS } from '../errors.ts';
import { MAX_BATCH } from '../events/bounds.ts';
import type { EventInput } from '../events/input.ts';
import { type PathedInput, problemsOf } from '../pipeline/record.ts';
import type { Context } from './context.ts';

/**
 * graphql-js puts the whole value into the error of a variable, in one turn of the event loop: of a request of more bytes
 * the first few values are named.
 */
const LARGE = { bytes: 4_194_304, problems: 3 };

/** The field whose argument of this name holds a batch. */
const BATCH = { field: 'logEvents', argument: 'input' };

/** An event as the viewer may write it. */
export function boundInput(viewer: Viewer, input: EventInput, path: string): PathedInput {
  try {
    return { input: boundTo(viewer, input, path), path };
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { input, path, problem: error };
  }
}

/**
 * Executes as graphql-js does, but names every problem of a refused batch of events, 100 at most: those that a resolver
 * has found as an error each; and where variables have the wrong type, so that no resolver runs, what else is wrong.
 */
export function executeNamingProblems(args: ExecutionArgs): ReturnType<typeof execute> {
  args.options = { maxCoercionErrors: mostProblems(args) };
  const result = execute(args);
  return result instanceof Promise ? result.then((one) => named(one, args)) : named(result, args);
}

function mostProblems({ contextValue }: ExecutionArgs): number {
  return (contextValue as Context).work.bytes > LARGE.bytes ? LARGE.problems : MAX_PROBLEMS;
}

function named(result: ExecutionResult, args: ExecutionArgs): ReturnType<typeof execute> {
  const { errors } = result;
  if (!errors) return result;
  if ('data' in result) return { ...result, errors: errors.flatMap(eachOf) };
  return withOthers(errors, args);
}

function eachOf(error: GraphQLError): GraphQLError[] {
  const { originalError, nodes = null, path = null } = error;
  if (!(originalError instanceof AuditErrors)) return [error];
  return originalError.all.map((one) => new GraphQLError(one.message, { nodes, path, originalError: one }));
}

async function withOthers(errors: readonly GraphQLError[], args: ExecutionArgs): Promise<ExecutionResult> {
  const room = mostProblems(args) - errors.length;
  const inputs = room > 0 ? inputsOf(args) : [];
  const others = inputs.length > 0 ? await problemsOf(inputs, room) : [];
  return {
    errors: [
      ...errors.slice(0, MAX_PROBLEMS),
      ...others.map((one) => new GraphQLError(one.message, { originalError: one })),
    ],
  };
}

// The events of batches that are variables, without the members that have the wrong type.
function inputsOf({
  schema,
  document,
  operationName,
  variableValues,
  contextValue,
}: ExecutionArgs): PathedInput[] {
  const { viewer } = contextValue as Context;
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== 'mutation') return [];
  const argument = schema.getMutationType()?.getFields()[BATCH.field]?.args[0];
  const type = argument && getNamedType(argument.type);
  if (!isInputObjectType(type)) return [];
  const fields = operation.selectionSet.selections.filter(
    (one): one is FieldNode => one.kind === Kind.FIELD && one.name.value === BATCH.field,
  );
  return fields.flatMap((field) => {
    const given = field.arguments?.find(({ name }) => name.value === BATCH.argument)?.value;
    const batch = given?.kind === Kind.VARIABLE ? variableValues?.[given.name.value] : undefined;
    if (!Array.isArray(batch) || batch.length > MAX_BATCH) return [];
    return batch.flatMap((one: unknown, index) => {
      const input = coerceInputValue(one, type, () => undefined) as EventInput | undefined;
      return input ? [boundInput(viewer, input, `${BATCH.argument}[${index}]`)] : [];
    });
  });
}
