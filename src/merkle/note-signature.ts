import { verifyEd25519 } from './ed25519.ts';
import { FormatError } from './format-error.ts';
import type { Note, NoteSignature } from './note.ts';
import { ED25519, keyIdOf, type VerifierKey } from './note-key.ts';

/** A trusted key together with the way its signatures are checked. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  /** Whether `signature`, as it stands in the note after the key ID, is this key's signature of `text`. */
  verify(text: string, signature: Uint8Array): Promise<boolean>;
}

/** A key that can sign notes. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: number;
  /** The signature of `text`, as it will stand in the note after the key ID. */
  sign(text: string): Promise<Uint8Array>;
}

/** Makes the Ed25519 signature (64 bytes) of a message; the private key stays with whoever gives this function. */
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

/** Signer for a plain Ed25519 key, whose private half is behind `sign`. Throws like `noteVerifier`. */
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
