import type { Asker } from '../access/asker.ts';
import type { Scope } from '../access/scopes.ts';
import { AuditError, orUnavailable } from '../errors.ts';
import type { Services } from '../graphql/context.ts';
import { askerOf, type PrincipalInput, requireScope } from './principal.ts';

/** A call of a principal: which right it takes, and what the events about the use of the log name it. */
export interface Call {
  principal: PrincipalInput | undefined;
  scope: Scope;
  what: string;
}

/**
 * Does what a principal asks for. Throws FORBIDDEN without the right to it, which is noticed in the log; and whatever goes
 * wrong as an `AuditError`.
 */
export async function called<Result>(
  { services: { metaAudit } }: { services: Pick<Services, 'metaAudit'> },
  { principal = {}, scope, what }: Call,
  work: (asker: Asker) => Result | Promise<Result>,
): Promise<Result> {
  let asker: Asker | undefined;
  try {
    asker = askerOf(principal);
    requireScope(asker.viewer, scope);
    return await work(asker);
  } catch (error) {
    if (asker && error instanceof AuditError && error.code === 'FORBIDDEN') metaAudit.denied(asker, { what });
    throw shownError(error);
  }
}

/** The error itself, or in its place an `AuditError` with it as the cause. */
export function shownError(error: unknown): AuditError {
  const shown = orUnavailable(error);
  if (shown instanceof AuditError) return shown;
  const internal = new AuditError('INTERNAL', 'something went wrong inside: see the cause of this error');
  return Object.assign(internal, { cause: error });
}
