import {
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
import { boundTo, hasScope, type Viewer } from '../access/viewer.ts';
import { AuditError, AuditErrors, MAX_PROBLEMS } from '../errors.ts';
import { inTurns } from '../event-loop.ts';
import { MAX_BATCH } from '../events/bounds.ts';
import type { EventInput } from '../events/input.ts';
import { type PathedInput, problemsOf } from '../pipeline/record.ts';
import type { Context } from './context.ts';
import { rightValues, wrongValues } from './wrong-values.ts';

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
export function createExecute(naming: { hideSuggestions: boolean }): typeof execute {
  return (args) => {
    // The first wrong value is enough for graphql-js, which prints it.
    const result = execute({ ...args, options: { maxCoercionErrors: 0 } });
    return result instanceof Promise
      ? result.then((one) => named(one, args, naming))
      : named(result, args, naming);
  };
}

function named(
  result: ExecutionResult,
  args: ExecutionArgs,
  { hideSuggestions }: { hideSuggestions: boolean },
): ReturnType<typeof execute> {
  const { errors } = result;
  if (!errors) return result;
  if ('data' in result) return { ...result, errors: errors.flatMap(eachOf) };
  const wrong = wrongValues(args, { most: MAX_PROBLEMS, hideSuggestions });
  return wrong.length === 0 ? result : withOthers(wrong, args);
}

function eachOf(error: GraphQLError): GraphQLError[] {
  const { originalError, nodes = null, path = null } = error;
  if (!(originalError instanceof AuditErrors)) return [error];
  return originalError.all.map((one) => new GraphQLError(one.message, { nodes, path, originalError: one }));
}

async function withOthers(errors: readonly GraphQLError[], args: ExecutionArgs): Promise<ExecutionResult> {
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
  const { viewer } = contextValue as Context;
  // Who may not write is told nothing of what was written.
  if (!hasScope(viewer, 'events:write')) return [];
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
    const right = rightValues(value, type);
    if (!right) return undefined;
    // No event is recorded: without a type, the others of its members can be looked at.
    const input = { eventType: '', ...right.input } as EventInput;
    return { ...boundInput(viewer, input, `${BATCH.argument}[${index}]`), isPart: right.isPart };
  });
  return inputs.filter((one) => one !== undefined);
}
