import { decodeBase64, encodeBase64, FormatError, parseDecimal } from './encoding.ts';
import { HASH_BYTES } from './hash.ts';
import { formatNote, isNoteText, type NoteSignature, parseNote } from './note.ts';
import {
  type NoteSigner,
  type NoteVerifier,
  SignatureError,
  signNote,
  trustedSignatures,
  verifyNote,
} from './signatures.ts';

/** State of a log: the text of a checkpoint note (https://c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** Which log this is: one line, not empty. */
  readonly origin: string;
  /** Leaves in the tree, 0 to 2^53 - 1. */
  readonly treeSize: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Further lines, none of them empty. */
  readonly extensions: readonly string[];
}

function assertLine(line: string, what: string): void {
  if (line === '' || line.includes('\n') || !isNoteText(line)) {
    throw new FormatError(`${what} of a checkpoint is a line that is not empty`);
  }
}

/** The note text of a checkpoint, to be signed. Throws a FormatError when a part cannot be written. */
export function formatCheckpoint({ origin, treeSize, rootHash, extensions }: Checkpoint): string {
  assertLine(origin, 'the origin');
  for (const line of extensions) assertLine(line, 'an extension');
  if (!Number.isSafeInteger(treeSize) || treeSize < 0) throw new FormatError('a tree size is 0 to 2^53 - 1');
  if (rootHash.length !== HASH_BYTES) throw new FormatError('a root hash has 32 bytes');
  return [origin, treeSize, encodeBase64(rootHash), ...extensions, ''].join('\n');
}

/**
 * Reads the text of a checkpoint note. Throws a FormatError when it is not exactly what `formatCheckpoint` writes;
 * a tree size above 2^53 - 1, which the specification allows, is refused as well.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new FormatError('a checkpoint ends in a newline');
  const [origin, size, root, ...extensions] = lines;
  if (origin === undefined || size === undefined || root === undefined) {
    throw new FormatError('a checkpoint has an origin, a tree size and a root hash');
  }
  assertLine(origin, 'the origin');
  for (const line of extensions) assertLine(line, 'an extension');
  const treeSize = parseDecimal(size);
  if (treeSize === undefined) throw new FormatError('a tree size is a decimal from 0 to 2^53 - 1');
  const rootHash = decodeBase64(root);
  if (rootHash?.length !== HASH_BYTES) throw new FormatError('a root hash is the base64 of 32 bytes');
  return { origin, treeSize, rootHash, extensions };
}

/** Whom to believe about a checkpoint. */
export interface CheckpointPolicy {
  readonly origin: string;
  /** The log's own keys: one of them must have signed. */
  readonly logKeys: readonly NoteVerifier[];
  /** The known witnesses. Their cosignatures, if any, must be right. Default: none. */
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
