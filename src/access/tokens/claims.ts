import { AuditError } from '../../errors.ts';
import { TEXT_BOUNDS } from '../../events/bounds.ts';
import { SCOPES, type Scope } from '../scopes.ts';
import type { Members } from './token.ts';

/** Where a claim is: its name, or the names on the way to it. */
export type ClaimPath = readonly string[];

/** What the claims of a token mean here. */
export interface ClaimRules {
  /** Words with spaces between, or an array of texts. */
  scopes: ClaimPath;
  /** What its values stand for; undefined: they are the names of scopes. */
  scopesOf: ReadonlyMap<string, readonly Scope[]> | undefined;
  /** Undefined: no token is bound to a customer. Otherwise each is, but those with the admin scope. */
  customer: ClaimPath | undefined;
}

/** Reads the name of a claim (`scope`), or a JSON Pointer to one (`/realm_access/roles`, RFC 6901). */
export function parseClaimPath(text: string): ClaimPath {
  if (!text.startsWith('/')) return [text];
  return text
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The scopes that the claims give; of values without a meaning here there are none. */
export function scopesOfClaims(claims: Members, { scopes: path, scopesOf }: ClaimRules): Scope[] {
  const words = wordsOf(valueAt(claims, path));
  const given: string[] = scopesOf ? words.flatMap((word) => scopesOf.get(word) ?? []) : words;
  return SCOPES.filter((scope) => given.includes(scope));
}

/**
 * The customer that the claims bind to; undefined: none. Throws UNAUTHENTICATED where there should be one, or is one
 * that cannot be.
 */
export function customerOfClaims(claims: Members, rules: ClaimRules, isAdmin: boolean): string | undefined {
  if (!rules.customer) return undefined;
  const customer = valueAt(claims, rules.customer);
  if (customer === undefined || customer === null) {
    if (isAdmin) return undefined;
    throw tokenError('names no customer');
  }
  if (!isName(customer, TEXT_BOUNDS.customerId)) throw tokenError('names no customer that there can be');
  if (isAdmin) throw tokenError('holds the admin scope for one customer: an admin sees all');
  return customer;
}

/** Whether a claim's value is a text that can be stored, shown, and told from others. */
export function isName(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= most && isPlain(value);
}

function isPlain(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

function valueAt(claims: Members, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Members)[name];
  }
  return value;
}

function wordsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(' ');
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}

/** The error of a token that is refused, which says why. */
export function tokenError(reason: string): AuditError {
  return new AuditError('UNAUTHENTICATED', `the token ${reason}`);
}
