import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PrismaClient } from '../db/generated/client.ts';
import { inTransaction, type Pool } from '../db/pool.ts';
import { prismaWithin } from '../db/prisma.ts';
import { ED25519, ED25519_COSIGNATURE, formatVerifierKey } from '../merkle/note.ts';
import { cosigner, type NoteSigner, noteSigner, type SignEd25519 } from '../merkle/signatures.ts';

/** The name and the key that sign this log. */
export interface LogIdentity {
  /** The first line of the checkpoints, and the name of the key. */
  origin: string;
  /** The public key in the verifier format of C2SP signed-note: `origin+id+key`. */
  verifierKey: string;
  /** Undefined in an instance without the private key, which serves what other instances sign. */
  signers: { plain: NoteSigner; timestamped: NoteSigner } | undefined;
}

/**
 * Reads the origin and the key of this log. The first start on a database creates the key file and stores the origin (the
 * configured one, or a random one under `audit-log.local`). Throws when origin or key differ from those of the log.
 */
export async function openIdentity(
  pool: Pool,
  { origin, keyFile }: { origin: string | undefined; keyFile: string },
): Promise<LogIdentity> {
  return inTransaction(pool, async (client) => {
    // When instances start together, the first one creates the key.
    await client.query("SELECT pg_advisory_xact_lock(hashtext('audit_log.identity'))");
    const known = await readIdentity(prismaWithin(client));
    const key = (await readSigningKey(keyFile)) ?? (known ? undefined : await createSigningKey(keyFile));
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

/** Origin and verifier key as stored in the database. */
export interface StoredIdentity {
  origin: string;
  verifierKey: string;
}

export async function readIdentity(prisma: PrismaClient): Promise<StoredIdentity | undefined> {
  const stored = await prisma.logIdentity.findFirst({ select: { origin: true, verifierKey: true } });
  return stored ?? undefined;
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

/** The log's private key, behind a function that signs with it. */
export interface SigningKey {
  /** 32 bytes (RFC 8032). */
  publicKey: Uint8Array;
  sign: SignEd25519;
}

/** Reads the key in a file (PEM, PKCS #8); undefined when there is no file. Throws when it is not an Ed25519 key. */
export async function readSigningKey(path: string): Promise<SigningKey | undefined> {
  const pem = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return pem === undefined ? undefined : keyOf(parsePem(pem, path));
}

/** Creates a key in a new file that only its owner can read. */
export async function createSigningKey(path: string): Promise<SigningKey> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    // A key that has signed must survive a loss of power.
    await file.sync();
  } finally {
    await file.close();
  }
  return keyOf(privateKey);
}

function parsePem(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // The error below does not contain anything of the file.
  }
  throw new Error(`${path} does not hold an Ed25519 private key in PEM form`);
}

function keyOf(privateKey: KeyObject): SigningKey {
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    publicKey: Uint8Array.from(Buffer.from(x, 'base64url')),
    sign: (message) => sign(null, message, privateKey),
  };
}
