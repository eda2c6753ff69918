import { decodeBase64, encodeBase64 } from './base64.ts';
import { FormatError } from './format-error.ts';
import { isKeyName } from './note.ts';
import { sha256 } from './sha256.ts';

/** Signature type byte of a plain Ed25519 signature over a note's text (C2SP signed-note). */
export const ED25519 = 0x01;
/** Signature type byte of a timestamped Ed25519 cosignature of a checkpoint (C2SP tlog-cosignature). */
export const ED25519_COSIGNATURE = 0x04;

/** A public key that verifies notes, with the name it signs under. */
export interface VerifierKey {
  readonly name: string;
  /** Signature type byte, such as `ED25519`. */
  readonly type: number;
  /** As the type encodes it: 32 bytes (RFC 8032) for both Ed25519 types. */
  readonly publicKey: Uint8Array;
}

/** The ID of a key as an unsigned 32-bit integer: SHA-256(name || 0x0A || type || public key)[:4], big-endian. */
export function keyIdOf({ name, type, publicKey }: VerifierKey): number {
  const encodedName = new TextEncoder().encode(`${name}\n`);
  const bytes = new Uint8Array(encodedName.length + 1 + publicKey.length);
  bytes.set(encodedName);
  bytes[encodedName.length] = type;
  bytes.set(publicKey, encodedName.length + 1);
  const digest = sha256(bytes);
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
}

function assertKey({ name, type, publicKey }: VerifierKey): void {
  if (!isKeyName(name)) throw new FormatError('a key name is not empty and has no spaces and no plus');
  if ((type === ED25519 || type === ED25519_COSIGNATURE) && publicKey.length !== 32) {
    throw new FormatError('an Ed25519 public key has 32 bytes');
  }
}

/**
 * The verifier key ("vkey") as text: `name+hex(key ID)+base64(type || public key)`. Throws a FormatError when the
 * name or the length of the key is not possible.
 */
export function formatVerifierKey(key: VerifierKey): string {
  assertKey(key);
  const id = keyIdOf(key).toString(16).padStart(8, '0');
  return `${key.name}+${id}+${encodeBase64(Uint8Array.of(key.type, ...key.publicKey))}`;
}

/** Reads a verifier key. Throws a FormatError when it is malformed or its key ID is not the one of its name and key. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su.exec(text) ?? [];
  const material = decodeBase64(encoded ?? '');
  const type = material?.[0];
  if (name === undefined || material === undefined || type === undefined) {
    throw new FormatError('a verifier key is a name, a key ID in hex and a key in base64, joined by +');
  }
  const key = { name, type, publicKey: material.slice(1) };
  assertKey(key);
  if (keyIdOf(key) !== Number.parseInt(id ?? '', 16))
    throw new FormatError('the key ID is not that of this key');
  return key;
}
