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
import { SCOPES, type Scope } from './principal.ts';

const KEY_ID = /^[\w-]{1,64}$/;

/** What keys are managed with. */
export interface KeyStore {
  pool: Pool;
  pipeline: Pipeline;
  /** Called with the id of a key as soon as it is revoked, to end at once what is open on it here. */
  onRevoked: (keyId: string) => void;
}

/** A key and its secret, which nobody can be shown again. */
export interface CreatedKey {
  key: ApiKey;
  secret: string;
}

/**
 * Creates a key. The event comes first: where it cannot be recorded there is no key. Where the key then cannot be
 * stored, the log names a key that nobody has, which is the harmless way round. Throws BAD_USER_INPUT.
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
 * Revokes a key. Here the event comes second: a key that leaked has to end also while the log is too busy to take an
 * event. Then this throws, and calling it again records what is missing, so every call is an event. Throws NOT_FOUND.
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

// A warning: whoever watches for alerts sees that it has changed who can get at the log.
function aboutKey(id: string) {
  return { severity: 'warning', resourceType: KEY_RESOURCE_TYPE, resourceId: id } as const;
}

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

const ADMIN_KEY_ID = 'admin';

/** What a start did about the admin's key. */
export interface AdminKey {
  /** Of a new one that nobody chose: it is shown once. */
  secret: string | undefined;
  /** `made`: there was none; `replaced`: another secret was configured; undefined: nothing has changed. */
  change: 'made' | 'replaced' | undefined;
}

/**
 * Makes sure of an admin key: the configured one, or on first start a new one, whose secret is returned, once.
 * A configured one is valid from then on, also when it was revoked before; what is open on a former secret ends, on
 * every instance.
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
