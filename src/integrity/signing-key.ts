import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SignEd25519 } from '../merkle/note-signature.ts';

/** The log's private key, which stays here. */
export interface SigningKey {
  /** 32 bytes (RFC 8032). */
  publicKey: Uint8Array;
  sign: SignEd25519;
}

/** The key of a file (PEM, PKCS #8); undefined when there is no such file. Throws when it holds no Ed25519 key. */
export async function readSigningKey(path: string): Promise<SigningKey | undefined> {
  const pem = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return pem === undefined ? undefined : keyOf(parsePem(pem, path));
}

/** Makes a key in a new file that only its owner can read. */
export async function makeSigningKey(path: string): Promise<SigningKey> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }));
    // A key that signed something must not be lost with the machine's power.
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
    // Said below, without any of the file's content.
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
