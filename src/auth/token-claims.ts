import { AuditError } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/fields.ts';
import { SCOPES, type Scope } from './principal.ts';

const MAX_LENGTH = 8_192;
const MAX_DEPTH = 16;
const TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const JSON_PART = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;

/** An object of a token's JSON. */
export type JsonMembers = Readonly<Record<string, unknown>>;

/** What a token says, before anybody knows whether it is true. */
export interface ParsedToken {
  header: JsonMembers;
  claims: JsonMembers;
}

/** Whether the text has the shape of a signed token (RFC 7515, compact): it is none of our keys then. */
export function isToken(text: string): boolean {
  return text.length <= MAX_LENGTH && TOKEN_SHAPE.test(text);
}

/**
 * Reads a text of that shape, strictly: each part is the one text of its bytes, header and claims are objects without a
 * member twice. Parsers differ in what they make of everything else. Throws UNAUTHENTICATED.
 */
export function parseToken(token: string): ParsedToken {
  const [header = '', claims = '', signature = ''] = token.split('.');
  bytesOf(signature);
  return { header: objectOf(bytesOf(header)), claims: objectOf(bytesOf(claims)) };
}

function bytesOf(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw malformed();
  return bytes;
}

function objectOf(bytes: Buffer): JsonMembers {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw malformed();
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed();
  const { members, depth } = measure(text);
  if (depth > MAX_DEPTH || countMembers(value) !== members) throw malformed();
  return value as JsonMembers;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed();
  }
}

// How many members a JSON text has, and how deep it is.
function measure(text: string): { members: number; depth: number } {
  let [members, depth, level] = [0, 0, 0];
  for (const [part] of text.matchAll(JSON_PART)) {
    if (part === ':') members += 1;
    else if (part === '{' || part === '[') depth = Math.max(depth, ++level);
    else if (part === '}' || part === ']') level -= 1;
  }
  return { members, depth };
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, member) => sum + countMembers(member), own);
}

function malformed(): AuditError {
  return new AuditError('UNAUTHENTICATED', 'the token is malformed');
}

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
export function scopesOfClaims(claims: JsonMembers, { scopes: path, scopesOf }: ClaimRules): Scope[] {
  const words = wordsOf(valueAt(claims, path));
  const given: string[] = scopesOf ? words.flatMap((word) => scopesOf.get(word) ?? []) : words;
  return SCOPES.filter((scope) => given.includes(scope));
}

/**
 * The customer that the claims bind to; undefined: none. Throws UNAUTHENTICATED where there should be one, or is one
 * that cannot be.
 */
export function customerOfClaims(
  claims: JsonMembers,
  rules: ClaimRules,
  isAdmin: boolean,
): string | undefined {
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

function valueAt(claims: JsonMembers, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonMembers)[name];
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
