import { type DocumentNode, type ExecutionArgs, GraphQLError, parse, type Source, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { AuditError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { MAX_ERRORS } from './bounds.ts';
import { costOf } from './cost.ts';
import { scanDocument } from './scan.ts';
import { checkShape } from './shape.ts';

/** How much a document may ask for. */
export interface LimitOptions {
  /** The highest price of an operation, in points. */
  maxCost: number;
}

/**
 * Bounds what a client may ask for, over every transport: the text before it is parsed, the document before it is
 * validated, the price of the operation before it is executed.
 */
export function useLimits({ maxCost }: LimitOptions): Plugin<Context> {
  const checkCost = (args: ExecutionArgs) => {
    const cost = costOf(args);
    if (cost <= maxCost) return undefined;
    const message = `the operation costs ${Math.ceil(cost)} points, of ${maxCost} at most: ask for fewer events or fields`;
    return { errors: [refusal(new AuditError('QUERY_TOO_COMPLEX', message))] };
  };
  return {
    onParse: ({ setParseFn }) => setParseFn(parseBounded),
    onValidate: ({ setValidationFn }) =>
      setValidationFn((schema, document, rules) =>
        validate(schema, document, rules, { maxErrors: MAX_ERRORS }),
      ),
    onExecute: ({ args, setResultAndStopExecution }) => {
      const refused = checkCost(args);
      if (refused) setResultAndStopExecution(refused);
    },
    onSubscribe: ({ args, setResultAndStopExecution }) => {
      const refused = checkCost(args);
      if (refused) setResultAndStopExecution(refused);
    },
  };
}

function parseBounded(source: string | Source): DocumentNode {
  scanDocument(typeof source === 'string' ? source : source.body);
  const document = parse(source);
  checkShape(document);
  return document;
}

// Not thrown: over WebSocket that would end the connection.
function refusal(error: AuditError): GraphQLError {
  return new GraphQLError(error.message, { originalError: error });
}
