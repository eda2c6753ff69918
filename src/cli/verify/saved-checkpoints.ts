import { readFile } from 'node:fs/promises';
import { Findings } from '../../verify/findings.ts';
import {
  openSavedNotes,
  type SavedCheckpoint,
  type SavedNote,
  type Trust,
  trustKey,
} from '../../verify/trust.ts';

/** Checkpoints from files, as a verification starts with them. */
export interface TrustAndCheckpoints {
  trust: Trust;
  /** Those that the log's key signed. */
  checkpoints: SavedCheckpoint[];
  /** About those that it did not. */
  findings: Findings;
}

/** Reads the key and the checkpoints. Throws when the one is no key or the others are no checkpoints. */
export async function readSavedCheckpoints(
  key: string,
  paths: readonly string[],
): Promise<TrustAndCheckpoints> {
  const trust = trustKey(key);
  const findings = new Findings();
  return { trust, checkpoints: await openSavedNotes(await readSavedNotes(paths), trust, findings), findings };
}

/** The tree that all of them are of. Throws when they are of several. */
export function treeOfAll(checkpoints: readonly SavedCheckpoint[]): SavedCheckpoint['tree'] | undefined {
  const [first] = checkpoints;
  const other = checkpoints.find(({ tree }) => tree !== first?.tree);
  if (other) throw new Error(`${first?.name} and ${other.name} are checkpoints of different trees`);
  return first?.tree;
}

/** What people call a tree. */
export function treeTitle(tree: SavedCheckpoint['tree']): string {
  return tree === 'log' ? 'the log' : `the customer "${tree.slice('customer/'.length)}"`;
}

// As ANCHOR_FILE has them: no line of a note is empty but the one before its signatures.
const GAP = /\n{3,}/;

/** The checkpoints in files: one in each, or several with empty lines between them, as `ANCHOR_FILE` has them. */
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
