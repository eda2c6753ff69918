import {
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  OperationTypeNode,
} from 'graphql';
import { Work } from '../access/rate/work.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Peer } from '../pipeline/own.ts';
import type { Context, Services } from './context.ts';
import { withHints } from './errors.ts';
import type { Variables } from './execute/coerce.ts';
import { executePlan } from './execute/execute.ts';
import { createOperations, type Operation } from './execute/operation.ts';
import { charge, chargeWork } from './limits/charge.ts';
import { createDocumentCheck, type DocumentCheck } from './limits/check-document.ts';
import { withoutSuggestions } from './limits/introspection.ts';
import { createSharedSubscribe } from './live/shared.ts';
import { createProofLoaders } from './proof-loaders.ts';
import { countedResults, type Results } from './subscription.ts';

/** How much a document may ask for. */
export interface LimitOptions {
  /** The highest price of an operation, in points. */
  maxCost: number;
  /** Whether the schema is shown. */
  hasIntrospection: boolean;
}

/** An operation as it arrives. */
export interface OperationRequest {
  query: string;
  operationName?: string | undefined;
  variables?: Readonly<Record<string, unknown>> | undefined;
}

/** Who asks, and from where. */
export interface Asker {
  viewer: Viewer;
  peer: Peer;
  /** What was done for the request before the engine gets it; absent: nothing. */
  work?: Work | undefined;
}

/** What becomes of an operation: its result, or the results of a subscription. Errors are as they were thrown. */
export type Outcome = ExecutionResult | Results;

/**
 * The one way into the API, whatever the transport: what a client may ask for is bounded here, and paid for. Nothing of
 * it throws for what a client did: refusals are results.
 */
export interface Engine {
  schema: GraphQLSchema;
  /** Checks the text of a document. */
  check: DocumentCheck;
  contextOf(asker: Asker): Context;
  /** Executes a query or mutation of a checked document, on its `contextOf`. */
  execute(args: ExecutionArgs): Promise<ExecutionResult>;
  /** Begins a subscription likewise. */
  subscribe(args: ExecutionArgs): Promise<Outcome>;
  /** All of it. */
  run(request: OperationRequest, asker: Asker): Promise<Outcome>;
}

/** Makes the engine. */
export function createEngine(schema: GraphQLSchema, services: Services, limits: LimitOptions): Engine {
  const subscribe = createSharedSubscribe();
  const operationOf = createOperations(schema);
  const shown = (result: ExecutionResult) => (limits.hasIntrospection ? result : withoutSuggestions(result));

  /** The operation that is meant, paid for, and the values of its variables. Throws what refuses it. */
  function begin(args: ExecutionArgs): { operation: Operation; variables: Variables } {
    const context = args.contextValue as Context;
    try {
      return context.work.measure(() => {
        const operation = operationOf(args.document, args.operationName);
        if (!operation) throw noOperation();
        charge(args, limits.maxCost);
        return { operation, variables: operation.coerce(args.variableValues ?? {}) };
      });
    } finally {
      chargeWork(context);
    }
  }

  const engine: Engine = {
    schema,
    check: createDocumentCheck(schema, limits.hasIntrospection),
    contextOf: ({ viewer, peer, work = new Work() }) => ({
      viewer,
      peer,
      work,
      services,
      proofs: createProofLoaders({ viewer, services }),
    }),
    async execute(args) {
      try {
        const { operation, variables } = begin(args);
        if (variables.errors) return shown(badRequest(variables.errors));
        const given = { context: args.contextValue, rootValue: undefined, variables: variables.values };
        return shown(await executePlan(operation.planFor(variables.values), given));
      } catch (error) {
        return failed(error);
      }
    },
    async subscribe(args) {
      try {
        const { operation, variables } = begin(args);
        if (variables.errors) return shown(badRequest(variables.errors));
        const plan = operation.planFor(variables.values);
        const given = { context: args.contextValue, variables: variables.values };
        const outcome = await subscribe(args, (rootValue) => executePlan(plan, { ...given, rootValue }));
        return isResults(outcome) ? count(outcome, args.contextValue as Context) : shown(outcome);
      } catch (error) {
        return failed(error);
      }
    },
    async run({ query, operationName, variables = {} }, asker) {
      const context = engine.contextOf(asker);
      const checked = context.work.measure(() => engine.check(query));
      if ('errors' in checked) {
        chargeWork(context);
        return checked;
      }
      const args = {
        schema,
        document: checked.document,
        operationName,
        variableValues: variables,
        contextValue: context,
      };
      const operation = operationOf(checked.document, operationName);
      const isSubscription = operation?.node.operation === OperationTypeNode.SUBSCRIPTION;
      return isSubscription ? engine.subscribe(args) : engine.execute(args);
    },
  };
  return engine;
}

/** Whether an operation is a subscription that has begun. */
export function isResults(outcome: ExecutionResult | AsyncIterable<ExecutionResult>): outcome is Results {
  return Symbol.asyncIterator in outcome;
}

function count(results: Results, context: Context): Results {
  try {
    return countedResults(results, context);
  } catch (error) {
    void results.return?.();
    throw error;
  }
}

function badRequest(errors: readonly GraphQLError[]): ExecutionResult {
  return { errors: errors.map((error) => withHints(error, { status: 400 })) };
}

function noOperation(): GraphQLError {
  return new GraphQLError('operationName: must be the name of one of the operations, if there are several', {
    extensions: { code: 'BAD_USER_INPUT', path: 'operationName', http: { status: 400 } },
  });
}

function failed(error: unknown): ExecutionResult {
  if (error instanceof GraphQLError) return { errors: [error] };
  const cause = error instanceof Error ? error : new Error(String(error));
  return { errors: [new GraphQLError(cause.message, { originalError: cause })] };
}
