import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { ED25519, ED25519_COSIGNATURE, type VerifierKey } from '../../src/merkle/note.ts';
import { noteSigner, noteVerifier, type SignEd25519 } from '../../src/merkle/signatures.ts';

// What stands before the 32 bytes of a private key in its PKCS #8 form (RFC 8410, section 7).
const PKCS8_START = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface TestKey {
  publicKey: Uint8Array;
  sign: SignEd25519;
}

/** An Ed25519 key made from a number, the same on every run; never to be used for anything but tests. */
export function testPrivateKey(seed: number): KeyObject {
  const der = Buffer.concat([PKCS8_START, Buffer.alloc(32, seed)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** What `testPrivateKey` makes of a number, as notes are signed and verified with it. */
export function testKey(seed: number): TestKey {
  const privateKey = testPrivateKey(seed);
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    publicKey: Uint8Array.from(Buffer.from(x as string, 'base64url')),
    sign: (message) => sign(null, message, privateKey),
  };
}

export function logKey(name: string, seed: number): VerifierKey {
  return { name, type: ED25519, publicKey: testKey(seed).publicKey };
}

export function witnessKey(name: string, seed: number): VerifierKey {
  return { name, type: ED25519_COSIGNATURE, publicKey: testKey(seed).publicKey };
}

/** A signer and its verifier. */
export function logPair(name: string, seed: number) {
  const key = logKey(name, seed);
  return { signer: noteSigner(key, testKey(seed).sign), verifier: noteVerifier(key) };
}
