import { AuditError } from '../../errors.ts';

const MAX_LENGTH = 8_192;
const MAX_DEPTH = 16;
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const JSON_PART = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;

/** An object of a token's JSON. */
export type Members = Readonly<Record<string, unknown>>;

/** What a token says, before anybody knows whether it is true. */
export interface ReadToken {
  header: Members;
  claims: Members;
}

/** Whether the text has the shape of a signed token (RFC 7515, compact): it is none of our keys then. */
export function isToken(text: string): boolean {
  return text.length <= MAX_LENGTH && SHAPE.test(text);
}

/**
 * Reads a text of that shape, strictly: each part is the one text of its bytes, header and claims are objects without a
 * member twice. Parsers differ in what they make of everything else. Throws UNAUTHENTICATED.
 */
export function readToken(token: string): ReadToken {
  const [header = '', claims = '', signature = ''] = token.split('.');
  bytesOf(signature);
  return { header: objectOf(bytesOf(header)), claims: objectOf(bytesOf(claims)) };
}

function bytesOf(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw malformed();
  return bytes;
}

function objectOf(bytes: Buffer): Members {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw malformed();
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed();
  const { members, depth } = measure(text);
  if (depth > MAX_DEPTH || countMembers(value) !== members) throw malformed();
  return value as Members;
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
