import { decodeBase64, encodeBase64 } from './base64.ts';
import { parseDecimal } from './decimal.ts';
import { FormatError } from './format-error.ts';
import { HASH_BYTES } from './hash.ts';
import { isNoteText } from './note.ts';

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
