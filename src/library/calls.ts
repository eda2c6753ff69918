import { hasScope, type Principal, type RequestContext, SCOPES, type Scope } from '../auth/principal.ts';
import { AuditError, badInput, orUnavailable } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/fields.ts';
import { checkText } from '../events/json.ts';
import type { Services } from '../schema/context.ts';

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
export async function runCall<Result>(
  { services: { metaAudit } }: { services: Pick<Services, 'metaAudit'> },
  { principal = {}, scope, what }: Call,
  work: (context: RequestContext) => Result | Promise<Result>,
): Promise<Result> {
  let context: RequestContext | undefined;
  try {
    context = contextOfPrincipal(principal);
    requireScope(context.principal, scope);
    return await work(context);
  } catch (error) {
    if (context && error instanceof AuditError && error.code === 'FORBIDDEN')
      metaAudit.denied(context, { what });
    throw toAuditError(error);
  }
}

/** The error itself, or in its place an `AuditError` with it as the cause. */
export function toAuditError(error: unknown): AuditError {
  const shown = orUnavailable(error);
  if (shown instanceof AuditError) return shown;
  const internal = new AuditError('INTERNAL', 'something went wrong inside: see the cause of this error');
  return Object.assign(internal, { cause: error });
}

/** On whose behalf the program reads and writes, with the rights that an API key like it would have. */
export interface PrincipalInput {
  /** Who it is, as the events about reads of the log name it. Default: `library`. */
  id?: string;
  /** Bound to this customer: reads and writes the events of that customer alone. */
  customerId?: string;
  /** What it may do. Default: everything, or with a `customerId`, which excludes `admin`, to read, write and export. */
  scopes?: readonly Scope[];
}

const DEFAULT_ID = 'library';
const BOUND_SCOPES: readonly Scope[] = ['events:write', 'events:read', 'events:export'];

/** The principal as the gate knows those who ask. Throws BAD_USER_INPUT. */
export function contextOfPrincipal({ id = DEFAULT_ID, customerId, scopes }: PrincipalInput): RequestContext {
  checkId(id, 'principal.id', TEXT_BOUNDS.userId);
  if (customerId !== undefined) checkId(customerId, 'principal.customerId', TEXT_BOUNDS.customerId);
  if (scopes !== undefined && !Array.isArray(scopes)) throw badInput('principal.scopes', 'must be an array');
  // As of an API key: an admin sees and removes what belongs to everybody.
  if (customerId !== undefined && scopes?.includes('admin'))
    throw badInput('principal.scopes', 'cannot hold admin for one customer: an admin sees all');
  const unknown = scopes?.findIndex((scope) => !SCOPES.includes(scope)) ?? -1;
  if (unknown >= 0) throw badInput(`principal.scopes[${unknown}]`, `must be one of ${SCOPES.join(', ')}`);
  const granted = scopes ?? (customerId === undefined ? (['admin'] as const) : BOUND_SCOPES);
  return { principal: { keyId: id, generation: 0, scopes: granted, customerId }, peer: {} };
}

function checkId(text: unknown, path: string, most: number): void {
  if (typeof text !== 'string' || text === '') throw badInput(path, 'must be a text that is not empty');
  checkText(text, path);
  if (text.length > most) throw badInput(path, `is longer than ${most} characters`);
}

/** Throws FORBIDDEN unless the principal has the scope. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!hasScope(principal, scope))
    throw new AuditError('FORBIDDEN', `the principal does not have the scope ${scope}`);
}
