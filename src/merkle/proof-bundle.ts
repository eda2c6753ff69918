import { type CheckpointPolicy, openCheckpoint, type TrustedCheckpoint } from './checkpoint.ts';
import { decodeBase64, encodeBase64, FormatError, parseDecimal } from './encoding.ts';
import { HASH_BYTES } from './hash.ts';
import { verifyInclusion } from './verify-proof.ts';

/** A self-contained proof that a leaf is in a log (https://c2sp.org/tlog-proof), media file `.tlog-proof`. */
export interface ProofBundle {
  /** Position of the leaf, 0 to 2^53 - 1. */
  readonly index: number;
  /** Inclusion proof in the checkpoint's tree, from the leaf's sibling to the root's child. */
  readonly proof: readonly Uint8Array[];
  /** The signed checkpoint, character for character. */
  readonly checkpoint: string;
  /**
   * Extra data for the reader; in an audit log, the canonical bytes of the event. They are not trusted by themselves:
   * hash them, and verify the proof with that leaf hash.
   */
  readonly extra?: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';

/** A proof in a tree of up to 2^64 - 1 leaves has no more hashes than this. */
const MAX_PROOF = 64;

/** The bundle as text. Throws a FormatError when a part cannot be written. */
export function formatBundle({ index, proof, checkpoint, extra }: ProofBundle): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new FormatError('an index is 0 to 2^53 - 1');
  if (proof.length > MAX_PROOF || proof.some((hash) => hash.length !== HASH_BYTES)) {
    throw new FormatError('a proof has at most 64 hashes of 32 bytes');
  }
  const extraLines = extra === undefined ? [] : [`extra ${encodeBase64(extra)}`];
  return [HEADER, ...extraLines, `index ${index}`, ...proof.map(encodeBase64), '', checkpoint].join('\n');
}

function parseExtra(line: string): Uint8Array {
  const bytes = decodeBase64(line.slice('extra '.length));
  if (bytes === undefined) throw new FormatError('extra data is base64');
  return bytes;
}

function parseIndex(line: string | undefined): number {
  const index = line?.startsWith('index ') ? parseDecimal(line.slice('index '.length)) : undefined;
  if (index === undefined)
    throw new FormatError('the index line is "index" and a decimal from 0 to 2^53 - 1');
  return index;
}

function parseHash(line: string): Uint8Array {
  const hash = decodeBase64(line);
  if (hash?.length !== HASH_BYTES) throw new FormatError('a line of the proof is the base64 of 32 bytes');
  return hash;
}

/**
 * Parses a bundle without verifying anything. The text of the checkpoint is not parsed. Throws a FormatError when the lines
 * before it are malformed. Formatting the result gives the same text.
 */
export function parseBundle(text: string): ProofBundle {
  const blank = text.indexOf('\n\n');
  if (blank < 0) throw new FormatError('an empty line separates the proof from the checkpoint');
  const [header, ...lines] = text.slice(0, blank).split('\n');
  if (header !== HEADER) throw new FormatError(`the first line is ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift() as string) : undefined;
  const index = parseIndex(lines.shift());
  if (lines.length > MAX_PROOF) throw new FormatError('a proof has at most 64 hashes of 32 bytes');
  const bundle = { index, proof: lines.map(parseHash), checkpoint: text.slice(blank + 2) };
  return extra === undefined ? bundle : { ...bundle, extra };
}

/**
 * Verifies with a bundle that the leaf with this hash is in the log. Returns the checkpoint that proves it; undefined when the
 * proof does not hold for this leaf. Throws like `openCheckpoint` when the checkpoint is malformed, or not trusted by the
 * policy.
 */
export async function verifyBundle(
  leafHash: Uint8Array,
  { index, proof, checkpoint: note }: ProofBundle,
  policy: CheckpointPolicy,
): Promise<TrustedCheckpoint | undefined> {
  const trusted = await openCheckpoint(note, policy);
  const { treeSize, rootHash } = trusted.checkpoint;
  return verifyInclusion({ index, size: treeSize, leafHash, rootHash, proof }) ? trusted : undefined;
}
