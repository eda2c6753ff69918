import { readFile } from 'node:fs/promises';
import { Findings } from '../../verify/findings.ts';
import {
  openSavedNotes,
  type SavedCheckpoint,
  type SavedNote,
  type Trust,
  trustKey,
} from '../../verify/trust.ts';

/** The trusted key, and the checkpoints from files. */
export interface TrustAndCheckpoints {
  trust: Trust;
  /** The checkpoints with a signature by the log's key. */
  checkpoints: SavedCheckpoint[];
  /** A finding for each of the others. */
  findings: Findings;
}

/** Parses the key and reads the checkpoints. Throws when one of them is malformed. */
export async function readSavedCheckpoints(
  key: string,
  paths: readonly string[],
): Promise<TrustAndCheckpoints> {
  const trust = trustKey(key);
  const findings = new Findings();
  return { trust, checkpoints: await openSavedNotes(await readSavedNotes(paths), trust, findings), findings };
}

/** The tree of the checkpoints. Throws when they are of different trees. */
export function treeOfAll(checkpoints: readonly SavedCheckpoint[]): SavedCheckpoint['tree'] | undefined {
  const [first] = checkpoints;
  const other = checkpoints.find(({ tree }) => tree !== first?.tree);
  if (other) throw new Error(`${first?.name} and ${other.name} are checkpoints of different trees`);
  return first?.tree;
}

/** The name of a tree in messages. */
export function treeTitle(tree: SavedCheckpoint['tree']): string {
  return tree === 'log' ? 'the log' : `the customer "${tree.slice('customer/'.length)}"`;
}

// Two empty lines separate notes, as in ANCHOR_FILE. A note itself has one empty line, before its signatures.
const GAP = /\n{3,}/;

/** Reads the notes in files: one per file, or several in the format of `ANCHOR_FILE`. */
export async function readSavedNotes(paths: readonly string[]): Promise<SavedNote[]> {
  const files = await Promise.all(paths.map(readNotes));
  return files.flat();
}

async function readNotes(path: string): Promise<SavedNote[]> {
  const text = await readFile(path, 'utf8');
  const notes = text.split(GAP).filter((note) => note !== '');
  if (notes.length === 0) throw new Error(`${path} holds no checkpoint`);
  return notes.map((note, at) => ({
    name: notes.length === 1 ? path : `${path}, checkpoint ${at + 1}`,
    note: note.endsWith('\n') ? note : `${note}\n`,
  }));
}
