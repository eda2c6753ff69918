import { type ExecutionArgs, GraphQLError, getOperationAST } from 'graphql';
import { AuditError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { costOf } from './cost.ts';

/**
 * Takes the price of an operation from what its key may spend. Throws BAD_USER_INPUT where it is not clear which
 * operation is meant, QUERY_TOO_COMPLEX over `maxCost` points, and RATE_LIMITED.
 */
export function charge(args: ExecutionArgs, maxCost: number): void {
  if (!getOperationAST(args.document, args.operationName)) throw noOperation();
  const cost = Math.ceil(costOf(args));
  if (cost > maxCost) {
    const message = `the operation costs ${cost} points, of ${maxCost} at most: ask for fewer events or fields`;
    throw new AuditError('QUERY_TOO_COMPLEX', message);
  }
  const { services, viewer } = args.contextValue as Context;
  services.rates.spend(viewer.keyId, cost);
}

function noOperation(): GraphQLError {
  return new GraphQLError('operationName: must be the name of one of the operations, if there are several', {
    extensions: { code: 'BAD_USER_INPUT', path: 'operationName', http: { status: 400 } },
  });
}
