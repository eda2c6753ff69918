import { badInput } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/bounds.ts';
import { checkText } from '../events/json.ts';
import { SCOPES, type Scope } from './scopes.ts';

const MAX_NAME = 100;

/** What a caller says of a new key, before it was checked. */
export interface KeyInput {
  name: string;
  scopes: readonly Scope[];
  customerId?: string | null | undefined;
  /** Milliseconds since 1970. */
  expiresAt?: number | null | undefined;
}

/** What a caller says of a new key, checked. */
export interface CheckedKeyInput {
  name: string;
  /** In the order of `SCOPES`, each once. */
  scopes: Scope[];
  customerId: string | undefined;
  expiresAt: number | undefined;
}

/** Checks what is said of a new key; throws BAD_USER_INPUT with the path of what is wrong. */
export function checkKeyInput(input: KeyInput, now: number): CheckedKeyInput {
  const { name, customerId, expiresAt } = input;
  checkFilled(name, 'name', MAX_NAME);
  // Names are shown on terminals, which obey control characters.
  if (/\p{Cc}/u.test(name)) throw badInput('name', 'must not contain control characters');
  if (customerId != null) checkFilled(customerId, 'customerId', TEXT_BOUNDS.customerId);
  const scopes = SCOPES.filter((scope) => input.scopes.includes(scope));
  if (scopes.length === 0) throw badInput('scopes', 'must name at least one scope');
  if (scopes.includes('admin') && customerId != null) {
    throw badInput('scopes', 'cannot hold the admin scope for a key of one customer: an admin sees all');
  }
  if (expiresAt != null && expiresAt <= now) throw badInput('expiresAt', 'must be in the future');
  return { name, scopes, customerId: customerId ?? undefined, expiresAt: expiresAt ?? undefined };
}

function checkFilled(text: string, path: string, most: number): void {
  checkText(text, path);
  if (text.trim() === '') throw badInput(path, 'must not be empty');
  if (text.length > most) throw badInput(path, `is longer than ${most} characters`);
}
