import { AuditError } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/fields.ts';
import { countMembers } from '../parse-json.ts';
import { SCOPES, type Scope } from './principal-and-scopes.ts';

const MAX_LENGTH = 8_192;
const MAX_DEPTH = 16;
const TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const JSON_PART = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;

/** An object in the JSON of a token. */
export type JsonMembers = Readonly<Record<string, unknown>>;

/** The content of a token whose signature is not verified yet. */
export interface ParsedToken {
  header: JsonMembers;
  claims: JsonMembers;
}

/** Whether the text has the form of a signed token (RFC 7515, compact serialization). API keys do not have it. */
export function isToken(text: string): boolean {
  return text.length <= MAX_LENGTH && TOKEN_SHAPE.test(text);
}

/**
 * Parses a token strictly: each part is canonical base64url, header and claims are JSON objects in UTF-8 without
 * duplicate keys. Parsers differ in how they read other forms. Throws UNAUTHENTICATED.
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

// The number of members in a JSON text, and its depth.
function measure(text: string): { members: number; depth: number } {
  let [members, depth, level] = [0, 0, 0];
  for (const [part] of text.matchAll(JSON_PART)) {
    if (part === ':') members += 1;
    else if (part === '{' || part === '[') depth = Math.max(depth, ++level);
    else if (part === '}' || part === ']') level -= 1;
  }
  return { members, depth };
}

function malformed(): AuditError {
  return new AuditError('UNAUTHENTICATED', 'the token is malformed');
}

/** The path of a claim: the names from the root of the claims. */
export type ClaimPath = readonly string[];

/** How the claims of a token map to rights. */
export interface ClaimRules {
  /** The claim with the scopes: words separated by spaces, or an array of strings. */
  scopes: ClaimPath;
  /** The scopes that each value of the claim stands for. Undefined: the values are the names of scopes. */
  scopesOf: ReadonlyMap<string, readonly Scope[]> | undefined;
  /**
   * The claim with the customer. Undefined: tokens are not bound to customers. Otherwise all are, except with the admin
   * scope.
   */
  customer: ClaimPath | undefined;
}

/** Parses the name of a claim (`scope`), or a JSON Pointer to one (`/realm_access/roles`, RFC 6901). */
export function parseClaimPath(text: string): ClaimPath {
  if (!text.startsWith('/')) return [text];
  return text
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The scopes of the claims. Unknown values give none. */
export function scopesOfClaims(claims: JsonMembers, { scopes: path, scopesOf }: ClaimRules): Scope[] {
  const words = wordsOf(valueAt(claims, path));
  const given: string[] = scopesOf ? words.flatMap((word) => scopesOf.get(word) ?? []) : words;
  return SCOPES.filter((scope) => given.includes(scope));
}

/**
 * The customer that the claims bind the principal to. Undefined: none. Throws UNAUTHENTICATED when the claim is missing
 * or invalid.
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
  if (!isName(customer, TEXT_BOUNDS.customerId)) throw tokenError('names an invalid customer');
  if (isAdmin) throw tokenError('holds the admin scope for one customer: an admin sees all');
  return customer;
}

/** Whether a claim is a string that can be stored and displayed: not blank, well-formed, without control characters. */
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

/** The error of a refused token, with its reason. */
export function tokenError(reason: string): AuditError {
  return new AuditError('UNAUTHENTICATED', `the token ${reason}`);
}
