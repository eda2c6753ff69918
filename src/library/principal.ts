import type { Asker } from '../access/asker.ts';
import { SCOPES, type Scope } from '../access/scopes.ts';
import { hasScope, type Viewer } from '../access/viewer.ts';
import { AuditError, badInput } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/bounds.ts';
import { checkText } from '../events/json.ts';

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
export function askerOf({ id = DEFAULT_ID, customerId, scopes }: PrincipalInput): Asker {
  checkId(id, 'principal.id', TEXT_BOUNDS.userId);
  if (customerId !== undefined) checkId(customerId, 'principal.customerId', TEXT_BOUNDS.customerId);
  if (scopes !== undefined && !Array.isArray(scopes)) throw badInput('principal.scopes', 'must be an array');
  // As of an API key: an admin sees and removes what belongs to everybody.
  if (customerId !== undefined && scopes?.includes('admin'))
    throw badInput('principal.scopes', 'cannot hold admin for one customer: an admin sees all');
  const unknown = scopes?.findIndex((scope) => !SCOPES.includes(scope)) ?? -1;
  if (unknown >= 0) throw badInput(`principal.scopes[${unknown}]`, `must be one of ${SCOPES.join(', ')}`);
  const granted = scopes ?? (customerId === undefined ? (['admin'] as const) : BOUND_SCOPES);
  return { viewer: { keyId: id, generation: 0, scopes: granted, customerId }, peer: {} };
}

function checkId(text: unknown, path: string, most: number): void {
  if (typeof text !== 'string' || text === '') throw badInput(path, 'must be a text that is not empty');
  checkText(text, path);
  if (text.length > most) throw badInput(path, `is longer than ${most} characters`);
}

/** Throws FORBIDDEN unless the viewer has the scope. */
export function requireScope(viewer: Viewer, scope: Scope): void {
  if (!hasScope(viewer, scope))
    throw new AuditError('FORBIDDEN', `the principal does not have the scope ${scope}`);
}
