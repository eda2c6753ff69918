import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  getOperationAST,
  parse,
  type Source,
  validate,
} from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { AuditError, badInput } from '../../errors.ts';
import type { Context } from '../context.ts';
import { MAX_ERRORS } from './bounds.ts';
import { costOf } from './cost.ts';
import { noIntrospection, withoutSuggestions } from './introspection.ts';
import { scanDocument } from './scan.ts';
import { checkShape } from './shape.ts';

/** How much a document may ask for. */
export interface LimitOptions {
  /** The highest price of an operation, in points. */
  maxCost: number;
  /** Whether the schema is shown. */
  hasIntrospection: boolean;
}

/**
 * Bounds what a client may ask for, over every transport: the text before it is parsed, the document before it is
 * validated, the price of the operation before it is executed, which also counts towards what the key may spend.
 */
export function useLimits({ maxCost, hasIntrospection }: LimitOptions): Plugin<Context> {
  const refusalOf = (args: ExecutionArgs) => {
    try {
      charge(args, maxCost);
      return undefined;
    } catch (error) {
      // Not thrown: over WebSocket that would end the connection.
      return { errors: [new GraphQLError((error as Error).message, { originalError: error as Error })] };
    }
  };
  const shown = <Result>({ result, setResult }: { result: Result; setResult: (shown: Result) => void }) => {
    if (!hasIntrospection && !isAsyncIterable(result))
      setResult(withoutSuggestions(result as object) as Result);
  };
  return {
    onParse: ({ setParseFn }) => setParseFn(parseBounded),
    onValidate: ({ setValidationFn }) =>
      setValidationFn((schema, document, rules) =>
        validate(schema, document, hasIntrospection ? rules : [...rules, noIntrospection], {
          maxErrors: MAX_ERRORS,
          // They would tell the names of the schema one by one.
          hideSuggestions: !hasIntrospection,
        }),
      ),
    onExecute: ({ args, setResultAndStopExecution }) => {
      const refused = refusalOf(args);
      if (refused) return setResultAndStopExecution(refused);
      return { onExecuteDone: shown };
    },
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      const refused = refusalOf(args);
      if (refused) return setResultAndStopExecution(refused);
      return { onSubscribeResult: shown };
    },
  };
}

function parseBounded(source: string | Source): DocumentNode {
  scanDocument(typeof source === 'string' ? source : source.body);
  const document = parse(source);
  checkShape(document);
  return document;
}

function charge(args: ExecutionArgs, maxCost: number): void {
  if (!getOperationAST(args.document, args.operationName))
    throw badInput('operationName', 'must be the name of one of the operations, if there are several');
  const cost = Math.ceil(costOf(args));
  if (cost > maxCost) {
    const message = `the operation costs ${cost} points, of ${maxCost} at most: ask for fewer events or fields`;
    throw new AuditError('QUERY_TOO_COMPLEX', message);
  }
  const { services, viewer } = args.contextValue as Context;
  services.rates.spend(viewer.keyId, cost);
}
