import { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { formatNote, type NoteSignature, parseNote } from './note.ts';
import {
  type NoteSigner,
  type NoteVerifier,
  SignatureError,
  signNote,
  trustedSignatures,
  verifyNote,
} from './note-signature.ts';

/** Whom to believe about a checkpoint. */
export interface CheckpointPolicy {
  readonly origin: string;
  /** The log's own keys: one of them must have signed. */
  readonly logKeys: readonly NoteVerifier[];
  /** Witnesses that are known; their cosignatures must be right where there are any. Default: none. */
  readonly witnesses?: readonly NoteVerifier[];
  /** How many different witnesses must have cosigned. Default: 0. */
  readonly quorum?: number;
}

/** A checkpoint that satisfied a policy. */
export interface TrustedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The verified signatures of known witnesses. */
  readonly cosignatures: readonly NoteSignature[];
}

/** Signs a checkpoint: the note as it is stored and served. */
export async function signCheckpoint(
  checkpoint: Checkpoint,
  signers: readonly NoteSigner[],
): Promise<string> {
  return formatNote(await signNote(formatCheckpoint(checkpoint), signers));
}

/**
 * Reads a signed checkpoint and verifies it. Throws a FormatError when it is malformed, and a SignatureError when it
 * is of another log, when none of the log's keys signed it, when a signature of a known key is wrong, or when fewer
 * witnesses than the quorum cosigned it.
 */
export async function openCheckpoint(
  note: string | Uint8Array,
  { origin, logKeys, witnesses = [], quorum = 0 }: CheckpointPolicy,
): Promise<TrustedCheckpoint> {
  const parsed = parseNote(note);
  await verifyNote(parsed, logKeys);
  const cosignatures = await trustedSignatures(parsed, witnesses);
  const checkpoint = parseCheckpoint(parsed.text);
  if (checkpoint.origin !== origin) throw new SignatureError(`the checkpoint is not of the log ${origin}`);
  const cosigners = new Set(cosignatures.map(({ name, keyId }) => `${name}+${keyId}`));
  if (cosigners.size < quorum) throw new SignatureError(`${cosigners.size} of ${quorum} witnesses cosigned`);
  return { checkpoint, cosignatures };
}
