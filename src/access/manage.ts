import type { Pool } from '../db/pool.ts';
import { AuditError } from '../errors.ts';
import { KEY_RESOURCE_TYPE } from '../events/reserved.ts';
import { formatTime } from '../events/time.ts';
import { type Caller, recordOwnEvent } from '../pipeline/own.ts';
import type { Pipeline } from '../pipeline/record.ts';
import { checkKeyInput, type KeyInput } from './key-input.ts';
import { type ApiKey, createKeyId, markRevoked, storeKey } from './keys.ts';
import { createSecret } from './secret.ts';

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
  await recordOwnEvent(pipeline, caller, {
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
  await recordOwnEvent(pipeline, caller, {
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
