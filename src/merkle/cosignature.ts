import { verifyEd25519 } from './ed25519.ts';
import { FormatError } from './format-error.ts';
import { ED25519_COSIGNATURE, keyIdOf, type VerifierKey } from './note-key.ts';
import { assertKeyType, type NoteSigner, type NoteVerifier, type SignEd25519 } from './note-signature.ts';

/** A cosignature as it stands in a note after the key ID (C2SP tlog-cosignature, `timestamped_signature`). */
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

/** What a cosigner signs: the header and time lines, then the text of the checkpoint note ("cosignature/v1"). */
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
 * Signer for a witness key, whose private half is behind `sign`; `now` tells the time in seconds since the Epoch.
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
