import { randomBytes } from 'node:crypto';
import { inTransaction, type Pool } from '../db/pool.ts';
import type { Queryable } from '../db/queryable.ts';
import { cosigner } from '../merkle/cosignature.ts';
import { ED25519, ED25519_COSIGNATURE, formatVerifierKey } from '../merkle/note-key.ts';
import { type NoteSigner, noteSigner } from '../merkle/note-signature.ts';
import { makeSigningKey, readSigningKey, type SigningKey } from './signing-key.ts';

/** Who signs this log. */
export interface LogIdentity {
  /** The first line of its checkpoints, and the name of its key. */
  origin: string;
  /** The public key as C2SP's signed-note writes it: `origin+id+key`. */
  verifierKey: string;
  /** Absent in an instance that does not hold the private key: it serves what others sign. */
  signers: { plain: NoteSigner; timestamped: NoteSigner } | undefined;
}

/**
 * Finds out who signs this log; the first start on a database makes the key file and fixes the origin (as configured,
 * else a random one under `audit-log.local`). Throws when origin or key are not those that the log was signed with.
 */
export async function openIdentity(
  pool: Pool,
  { origin, keyFile }: { origin: string | undefined; keyFile: string },
): Promise<LogIdentity> {
  return inTransaction(pool, async (client) => {
    // Of instances that start together, the first makes the key.
    await client.query("SELECT pg_advisory_xact_lock(hashtext('audit_log.identity'))");
    const known = await readIdentity(client);
    const key = (await readSigningKey(keyFile)) ?? (known ? undefined : await makeSigningKey(keyFile));
    if (known) return checkIdentity(known, { origin, key, keyFile });
    const name = origin ?? `audit-log.local/${randomBytes(4).toString('hex')}`;
    const fresh = { origin: name, verifierKey: verifierKeyOf(name, key as SigningKey) };
    await client.query('INSERT INTO log_identity (origin, verifier_key) VALUES ($1, $2)', [
      fresh.origin,
      fresh.verifierKey,
    ]);
    return checkIdentity(fresh, { origin, key, keyFile });
  });
}

/** Origin and verifier key as the database has them. */
export interface StoredIdentity {
  origin: string;
  verifierKey: string;
}

export async function readIdentity(db: Queryable): Promise<StoredIdentity | undefined> {
  const { rows } = await db.query<StoredIdentity>(
    'SELECT origin, verifier_key AS "verifierKey" FROM log_identity',
  );
  return rows[0];
}

function checkIdentity(
  { origin, verifierKey }: StoredIdentity,
  given: { origin: string | undefined; key: SigningKey | undefined; keyFile: string },
): LogIdentity {
  if (given.origin !== undefined && given.origin !== origin) {
    throw new Error(`this log is signed as "${origin}": set ORIGIN to that, or leave it unset`);
  }
  const { key, keyFile } = given;
  if (!key) return { origin, verifierKey, signers: undefined };
  if (verifierKeyOf(origin, key) !== verifierKey) {
    throw new Error(
      `${keyFile} is not the key that this log is signed with (${verifierKey}): put that key there, or remove the file to serve without signing`,
    );
  }
  const names = { name: origin, publicKey: key.publicKey };
  const seconds = () => Math.floor(Date.now() / 1_000);
  return {
    origin,
    verifierKey,
    signers: {
      plain: noteSigner({ ...names, type: ED25519 }, key.sign),
      timestamped: cosigner({ ...names, type: ED25519_COSIGNATURE }, key.sign, seconds),
    },
  };
}

function verifierKeyOf(origin: string, { publicKey }: SigningKey): string {
  return formatVerifierKey({ name: origin, type: ED25519, publicKey });
}
