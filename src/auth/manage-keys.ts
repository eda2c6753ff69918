import { Prisma } from '../db/generated/client.ts';
import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { AuditError, badInput } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/fields.ts';
import { checkText } from '../events/json.ts';
import { KEY_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import { formatTime } from '../events/time.ts';
import { type Caller, type Pipeline, recordSystemEvent } from '../log/append/record.ts';
import {
  type ApiKey,
  createKeyId,
  createSecret,
  hashSecret,
  KEYS_CHANNEL,
  markRevoked,
  storeKey,
} from './api-keys.ts';
import { SCOPES, type Scope } from './principal-and-scopes.ts';

const KEY_ID = /^[\w-]{1,64}$/;

/** Dependencies of key management. */
export interface KeyStore {
  pool: Pool;
  pipeline: Pipeline;
  /** Called with the id of a key as soon as it is revoked: the sessions of the key in this process end at once. */
  onRevoked: (keyId: string) => void;
}

/** A new key and its secret, which cannot be read again later. */
export interface CreatedKey {
  key: ApiKey;
  secret: string;
}

/**
 * Creates a key. The event is recorded first: without the event there is no key. If storing the key then fails, the log
 * names a key that does not exist, which is harmless. Throws BAD_USER_INPUT.
 */
export async function createKey(
  { pool, pipeline }: Omit<KeyStore, 'onRevoked'>,
  caller: Caller,
  input: KeyInput,
): Promise<CreatedKey> {
  const { name, scopes, customerId, expiresAt } = checkKeyInput(input, pipeline.now());
  pipeline.redaction.refuse(name, 'name');
  if (customerId !== undefined) pipeline.redaction.refuse(customerId, 'customerId');
  const id = createKeyId();
  const secret = createSecret();
  await recordSystemEvent(pipeline, caller, {
    eventType: 'authz.permission_granted',
    action: 'api_key.create',
    description: `a key named "${name}" was created`,
    ...aboutKey(id),
    details: {
      name,
      scopes,
      ...(customerId === undefined ? {} : { customerId }),
      ...(expiresAt === undefined ? {} : { expiresAt: formatTime(expiresAt) }),
    },
  });
  return { key: await storeKey(pool, { id, name, secret, scopes, customerId, expiresAt }), secret };
}

/**
 * Revokes a key. The event is recorded second: a leaked key must end even while the log cannot accept events. In that
 * case this throws, and a second call records the missing event; every call records one. Throws NOT_FOUND.
 */
export async function revokeKey(
  { pool, pipeline, onRevoked }: KeyStore,
  caller: Caller,
  id: string,
): Promise<ApiKey> {
  const key = KEY_ID.test(id) ? await markRevoked(pool, id) : undefined;
  if (!key) throw new AuditError('NOT_FOUND', 'there is no API key of this id', 'id');
  onRevoked(id);
  await recordSystemEvent(pipeline, caller, {
    eventType: 'authz.role_revoked',
    action: 'api_key.revoke',
    description: `the key named "${key.name}" was revoked`,
    ...aboutKey(id),
    details: { name: key.name, scopes: [...key.scopes] },
  });
  return key;
}

// Severity warning: an alert shows that access to the log has changed.
function aboutKey(id: string) {
  return { severity: 'warning', resourceType: KEY_RESOURCE_TYPE, resourceId: id } as const;
}

const MAX_NAME = 100;

/** The input for a new key, not yet validated. */
export interface KeyInput {
  name: string;
  scopes: readonly Scope[];
  customerId?: string | null | undefined;
  /** Milliseconds since 1970. */
  expiresAt?: number | null | undefined;
}

/** The validated input for a new key. */
export interface CheckedKeyInput {
  name: string;
  /** In the order of `SCOPES`, each once. */
  scopes: Scope[];
  customerId: string | undefined;
  expiresAt: number | undefined;
}

/** Validates the input for a new key. Throws BAD_USER_INPUT with the path of the wrong member. */
export function checkKeyInput(input: KeyInput, now: number): CheckedKeyInput {
  const { name, customerId, expiresAt } = input;
  checkFilled(name, 'name', MAX_NAME);
  // Names are printed on terminals, which interpret control characters.
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

const ADMIN_KEY_ID = 'admin';

/** What the start of an instance changed about the admin key. */
export interface AdminKey {
  /** The secret of a generated key, to be shown once. Undefined when the secret is configured or the key existed. */
  secret: string | undefined;
  /** `made`: there was no admin key; `replaced`: another secret was configured; undefined: no change. */
  change: 'made' | 'replaced' | undefined;
}

/**
 * Ensures that there is an admin key: the configured one, or a generated one at the first start. A configured key becomes
 * valid even if it was revoked before. Sessions that were opened with a former secret end on every instance.
 */
export async function ensureAdminKey(pool: Pool, configured: string | undefined): Promise<AdminKey> {
  const secret = configured ?? createSecret();
  const hash = hashSecret(secret);
  const prisma = prismaOn(pool);
  const before = await prisma.apiKey.findUnique({ where: { id: ADMIN_KEY_ID } });
  const stored = await prisma.$executeRaw`
    INSERT INTO api_keys AS key (id, name, secret_hash, scopes) VALUES (${ADMIN_KEY_ID}, 'admin', ${hash}, '{admin}')
    ON CONFLICT (id) DO ${configured === undefined ? NOTHING : REPLACE}`;
  if (configured !== undefined) await prisma.$executeRaw`SELECT pg_notify(${KEYS_CHANNEL}, ${ADMIN_KEY_ID})`;
  const isReplaced =
    configured !== undefined &&
    before !== null &&
    (before.revokedAt !== null || !hash.equals(before.secretHash));
  return {
    secret: configured === undefined && stored === 1 ? secret : undefined,
    change: isReplaced ? 'replaced' : before || stored !== 1 ? undefined : 'made',
  };
}

const NOTHING = Prisma.sql`NOTHING`;
const REPLACE = Prisma.sql`UPDATE SET secret_hash = excluded.secret_hash, revoked_at = NULL,
  generation = key.generation + (key.secret_hash <> excluded.secret_hash)::integer`;
