import {
  hasScope,
  type Principal,
  type RequestContext,
  SCOPES,
  type Scope,
} from '../auth/principal-and-scopes.ts';
import { AuditError, badInput, orUnavailable } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/fields.ts';
import { checkText } from '../events/json.ts';
import type { Services } from '../schema/context.ts';

/** A call of a principal, the scope that it needs, and its name in the audit of the log. */
export interface Call {
  principal: PrincipalInput | undefined;
  scope: Scope;
  what: string;
}

/**
 * Runs a call of a principal. Throws FORBIDDEN when the principal lacks the scope, which the audit of the log records. Every
 * error is thrown as an `AuditError`.
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

/** The error if it is an `AuditError`, or an `AuditError` with the error as its cause. */
export function toAuditError(error: unknown): AuditError {
  const shown = orUnavailable(error);
  if (shown instanceof AuditError) return shown;
  const internal = new AuditError('INTERNAL', 'an unexpected error: see its cause');
  return Object.assign(internal, { cause: error });
}

/** The principal that the program reads and writes for. It has the rights of an API key with the same properties. */
export interface PrincipalInput {
  /** Its name in the audit of the log. Default: `library`. */
  id?: string;
  /** Binds it to this customer: it reads and writes only the events of the customer. */
  customerId?: string;
  /** Its scopes. Default: all; with a `customerId`, to read, write and export. `admin` excludes a `customerId`. */
  scopes?: readonly Scope[];
}

const DEFAULT_ID = 'library';
const BOUND_SCOPES: readonly Scope[] = ['events:write', 'events:read', 'events:export'];

/** The request context of a principal. Throws BAD_USER_INPUT. */
export function contextOfPrincipal({ id = DEFAULT_ID, customerId, scopes }: PrincipalInput): RequestContext {
  checkId(id, 'principal.id', TEXT_BOUNDS.userId);
  if (customerId !== undefined) checkId(customerId, 'principal.customerId', TEXT_BOUNDS.customerId);
  if (scopes !== undefined && !Array.isArray(scopes)) throw badInput('principal.scopes', 'must be an array');
  // As for an API key: an admin can see and purge the events of all customers.
  if (customerId !== undefined && scopes?.includes('admin'))
    throw badInput(
      'principal.scopes',
      'cannot contain admin together with a customerId: an admin sees all customers',
    );
  const unknown = scopes?.findIndex((scope) => !SCOPES.includes(scope)) ?? -1;
  if (unknown >= 0) throw badInput(`principal.scopes[${unknown}]`, `must be one of ${SCOPES.join(', ')}`);
  const granted = scopes ?? (customerId === undefined ? (['admin'] as const) : BOUND_SCOPES);
  return { principal: { keyId: id, generation: 0, scopes: granted, customerId }, peer: {} };
}

function checkId(text: unknown, path: string, most: number): void {
  if (typeof text !== 'string' || text === '') throw badInput(path, 'must be a non-empty string');
  checkText(text, path);
  if (text.length > most) throw badInput(path, `is longer than ${most} characters`);
}

/** Throws FORBIDDEN unless the principal has the scope. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!hasScope(principal, scope))
    throw new AuditError('FORBIDDEN', `the principal does not have the scope ${scope}`);
}
