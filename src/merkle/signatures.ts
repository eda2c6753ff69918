import { FormatError } from './encoding.ts';
import {
  ED25519,
  ED25519_COSIGNATURE,
  keyIdOf,
  type Note,
  type NoteSignature,
  type VerifierKey,
} from './note.ts';

/** A trusted key, with a function that verifies its signatures. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  /** Whether `signature`, the bytes after the key ID in the note, is this key's signature of `text`. */
  verify(text: string, signature: Uint8Array): Promise<boolean>;
}

/** A key that can sign notes. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  /** The signature of `text`: the bytes after the key ID in the note. */
  sign(text: string): Promise<Uint8Array>;
}

/** Returns the Ed25519 signature (64 bytes) of a message. The private key stays inside this function. */
export type SignEd25519 = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A note that no trusted key signed, or that carries a wrong signature of a trusted key. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
}

/** Refuses a key of another type than the one that the caller knows how to use. */
export function assertKeyType(key: VerifierKey, type: number): void {
  if (key.type !== type) throw new FormatError(`the key ${key.name} is not of signature type ${type}`);
}

/** Verifier for a plain Ed25519 key. Throws a FormatError when the key is of another type. */
export function noteVerifier(key: VerifierKey): NoteVerifier {
  assertKeyType(key, ED25519);
  return {
    name: key.name,
    keyId: keyIdOf(key),
    verify: (text, signature) => verifyEd25519(key.publicKey, new TextEncoder().encode(text), signature),
  };
}

/** Signer for a plain Ed25519 key, which signs with `sign`. Throws like `noteVerifier`. */
export function noteSigner(key: VerifierKey, sign: SignEd25519): NoteSigner {
  assertKeyType(key, ED25519);
  return {
    name: key.name,
    keyId: keyIdOf(key),
    sign: async (text) => sign(new TextEncoder().encode(text)),
  };
}

/** A note with the signatures of all `signers`, in their order. */
export async function signNote(text: string, signers: readonly NoteSigner[]): Promise<Note> {
  const signatures = signers.map(async (signer) => {
    return { name: signer.name, keyId: signer.keyId, signature: await signer.sign(text) };
  });
  return { text, signatures: await Promise.all(signatures) };
}

/**
 * The signatures of a note that are by the trusted keys, in the order of the note, each of them verified; those of
 * unknown keys are ignored. Throws a SignatureError when a signature by a trusted key is wrong. The result is empty
 * when no trusted key signed, so use `verifyNote` where that must not happen.
 */
export async function trustedSignatures(
  note: Note,
  trusted: readonly NoteVerifier[],
): Promise<NoteSignature[]> {
  const found: NoteSignature[] = [];
  for (const signature of note.signatures) {
    const verifier = trusted.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
    if (verifier === undefined) continue;
    if (!(await verifier.verify(note.text, signature.signature))) {
      throw new SignatureError(`the signature of ${signature.name} is wrong`);
    }
    found.push(signature);
  }
  return found;
}

/** Like `trustedSignatures`, but throws a SignatureError also when no trusted key signed the note. */
export async function verifyNote(note: Note, trusted: readonly NoteVerifier[]): Promise<NoteSignature[]> {
  const found = await trustedSignatures(note, trusted);
  if (found.length === 0) throw new SignatureError('no trusted key signed the note');
  return found;
}

/** A cosignature: the bytes after the key ID in a note (C2SP tlog-cosignature, `timestamped_signature`). */
export interface Cosignature {
  /** When it was made, in seconds since the Epoch, 0 to 2^53 - 1. */
  readonly timestamp: number;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 64;

function assertTimestamp(timestamp: number): void {
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) {
    throw new FormatError('a timestamp is a whole number of seconds from 0 to 2^53 - 1');
  }
}

/** The message that a cosigner signs: header line, time line and the text of the checkpoint note ("cosignature/v1"). */
export function cosignedMessage(timestamp: number, text: string): Uint8Array {
  assertTimestamp(timestamp);
  return new TextEncoder().encode(`cosignature/v1\ntime ${timestamp}\n${text}`);
}

/** The 72 bytes of a cosignature: the timestamp as a big-endian uint64, then the signature. */
export function formatCosignature({ timestamp, signature }: Cosignature): Uint8Array {
  assertTimestamp(timestamp);
  if (signature.length !== SIGNATURE_BYTES) throw new FormatError('an Ed25519 signature has 64 bytes');
  const bytes = new Uint8Array(TIMESTAMP_BYTES + SIGNATURE_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(timestamp));
  bytes.set(signature, TIMESTAMP_BYTES);
  return bytes;
}

/** Reads a cosignature. Throws a FormatError when it does not have 72 bytes or its time exceeds 2^53 - 1. */
export function parseCosignature(bytes: Uint8Array): Cosignature {
  if (bytes.length !== TIMESTAMP_BYTES + SIGNATURE_BYTES) throw new FormatError('a cosignature has 72 bytes');
  const timestamp = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  assertTimestamp(timestamp);
  return { timestamp, signature: bytes.slice(TIMESTAMP_BYTES) };
}

async function verifyCosignature(key: VerifierKey, text: string, bytes: Uint8Array): Promise<boolean> {
  let cosignature: Cosignature;
  try {
    cosignature = parseCosignature(bytes);
  } catch {
    return false;
  }
  const message = cosignedMessage(cosignature.timestamp, text);
  return verifyEd25519(key.publicKey, message, cosignature.signature);
}

/** Verifier for the cosignatures of a witness. Throws a FormatError when the key is not of that type. */
export function cosignatureVerifier(key: VerifierKey): NoteVerifier {
  assertKeyType(key, ED25519_COSIGNATURE);
  return {
    name: key.name,
    keyId: keyIdOf(key),
    verify: (text, signature) => verifyCosignature(key, text, signature),
  };
}

/**
 * Signer for a witness key, which signs with `sign`; `now` returns the time in seconds since the Epoch.
 * Throws like `cosignatureVerifier`.
 */
export function cosigner(key: VerifierKey, sign: SignEd25519, now: () => number): NoteSigner {
  assertKeyType(key, ED25519_COSIGNATURE);
  return {
    name: key.name,
    keyId: keyIdOf(key),
    sign: async (text) => {
      const timestamp = now();
      return formatCosignature({ timestamp, signature: await sign(cosignedMessage(timestamp, text)) });
    },
  };
}

type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

const JWK = { kty: 'OKP', crv: 'Ed25519' };

function encodeBase64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** node:crypto where there is one: WebCrypto in Node 20 warns that its Ed25519 is experimental. */
function nodeVerify(): VerifyEd25519 | undefined {
  const node = globalThis.process?.getBuiltinModule?.('node:crypto');
  if (node?.createPublicKey === undefined) return undefined;
  return async (publicKey, message, signature) => {
    const key = node.createPublicKey({ key: { ...JWK, x: encodeBase64Url(publicKey) }, format: 'jwk' });
    return node.verify(null, message, key, signature);
  };
}

const webVerify: VerifyEd25519 = async (publicKey, message, signature) => {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey('raw', Uint8Array.from(publicKey), 'Ed25519', false, ['verify']);
  return subtle.verify('Ed25519', key, Uint8Array.from(signature), Uint8Array.from(message));
};

const verify = nodeVerify() ?? webVerify;

/**
 * Whether `signature` (64 bytes) is the Ed25519 signature of `message` by `publicKey` (32 bytes, RFC 8032). False
 * for any other length. Uses node:crypto in Node and WebCrypto in a browser (Chrome 137, Firefox 129, Safari 17 or
 * later); rejects where neither knows Ed25519.
 */
export const verifyEd25519: VerifyEd25519 = async (publicKey, message, signature) =>
  publicKey.length === 32 && signature.length === 64 && verify(publicKey, message, signature);
