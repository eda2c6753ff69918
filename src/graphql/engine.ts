import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
} from 'graphql';
import type { Viewer } from '../access/viewer.ts';
import type { Peer } from '../pipeline/own.ts';
import type { Context, Services } from './context.ts';
import { withHints } from './errors.ts';
import { charge } from './limits/charge.ts';
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
  const shown = (result: ExecutionResult) => (limits.hasIntrospection ? result : withoutSuggestions(result));

  const engine: Engine = {
    schema,
    check: createDocumentCheck(schema, limits.hasIntrospection),
    contextOf: ({ viewer, peer }) => ({
      viewer,
      peer,
      services,
      proofs: createProofLoaders({ viewer, services }),
    }),
    async execute(args) {
      try {
        charge(args, limits.maxCost);
        return shown(withStatus(await execute(args)));
      } catch (error) {
        return failed(error);
      }
    },
    async subscribe(args) {
      try {
        charge(args, limits.maxCost);
        const outcome = await subscribe(args);
        if (!isResults(outcome)) return shown(withStatus(outcome));
        return count(outcome, args.contextValue as Context);
      } catch (error) {
        return failed(error);
      }
    },
    async run({ query, operationName, variables = {} }, asker) {
      const checked = engine.check(query);
      if ('errors' in checked) return checked;
      const args = {
        schema,
        document: checked.document,
        operationName,
        variableValues: variables,
        contextValue: engine.contextOf(asker),
      };
      const operation = getOperationAST(checked.document, operationName)?.operation;
      return operation === OperationTypeNode.SUBSCRIPTION ? engine.subscribe(args) : engine.execute(args);
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

// Without data nothing was executed: a variable has a value that its type does not take.
function withStatus(result: ExecutionResult): ExecutionResult {
  if ('data' in result || !result.errors) return result;
  return { errors: result.errors.map((error) => withHints(error, { status: 400 })) };
}

function failed(error: unknown): ExecutionResult {
  if (error instanceof GraphQLError) return { errors: [error] };
  const cause = error instanceof Error ? error : new Error(String(error));
  return { errors: [new GraphQLError(cause.message, { originalError: cause })] };
}
