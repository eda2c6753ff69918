import type { ExecutionArgs } from 'graphql';
import { AuditError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { costOf } from './cost.ts';

/** Charges a key for what was done for an operation and is not paid by its price. */
export function chargeWork({ services, viewer, work }: Pick<Context, 'services' | 'viewer' | 'work'>): void {
  services.rates.charge(viewer.keyId, work.takeUnpaid());
}

/** Takes the price of an operation from what its key may spend. Throws QUERY_TOO_COMPLEX over `maxCost`, RATE_LIMITED. */
export function charge(args: ExecutionArgs, maxCost: number): void {
  const cost = Math.ceil(costOf(args));
  if (cost > maxCost) {
    const message = `the operation costs ${cost} points, of ${maxCost} at most: ask for fewer events or fields`;
    throw new AuditError('QUERY_TOO_COMPLEX', message);
  }
  const { services, viewer, work } = args.contextValue as Context;
  const due = work.due(cost);
  services.rates.spend(viewer.keyId, due);
  work.pay(due);
}
