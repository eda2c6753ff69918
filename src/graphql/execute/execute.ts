import { type ExecutionResult, type GraphQLError, OperationTypeNode } from 'graphql';
import { executeFields, executeSerially } from './fields.ts';
import type { Plan } from './plan.ts';
import type { Run } from './run.ts';

/** What an execution is given. */
export type Given = Omit<Run, 'errors'>;

/**
 * Executes a plan (GraphQL, 6.2 and 6.3), as graphql-js would, but with all that depends on the document alone found
 * beforehand. At once, where no resolver has to wait.
 */
export function executePlan(plan: Plan, given: Given): ExecutionResult | Promise<ExecutionResult> {
  const errors: GraphQLError[] = [];
  const { context, rootValue, variables } = given;
  const run: Run = { context, rootValue, variables, errors };
  const ended = (data: Record<string, unknown>) => (errors.length === 0 ? { data } : { errors, data });
  const failed = (error: unknown) => ({ errors: [...errors, error as GraphQLError], data: null });
  const isMutation = plan.operation.operation === OperationTypeNode.MUTATION;
  try {
    const data = isMutation
      ? executeSerially(run, plan.root, given.rootValue)
      : executeFields(run, plan.root, given.rootValue, undefined);
    return data instanceof Promise ? data.then(ended, failed) : ended(data);
  } catch (error) {
    return failed(error);
  }
}
