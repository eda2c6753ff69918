import { readFile } from 'node:fs/promises';
import type { KeptNote } from '../../integrity/verify/trust.ts';

// As ANCHOR_FILE has them: no line of a note is empty but the one before its signatures.
const GAP = /\n{3,}/;

/** The checkpoints in files: one in each, or several with empty lines between them, as `ANCHOR_FILE` has them. */
export async function readKept(paths: readonly string[]): Promise<KeptNote[]> {
  const files = await Promise.all(paths.map(readNotes));
  return files.flat();
}

async function readNotes(path: string): Promise<KeptNote[]> {
  const text = await readFile(path, 'utf8');
  const notes = text.split(GAP).filter((note) => note !== '');
  if (notes.length === 0) throw new Error(`${path} holds no checkpoint`);
  return notes.map((note, at) => ({
    name: notes.length === 1 ? path : `${path}, checkpoint ${at + 1}`,
    note: note.endsWith('\n') ? note : `${note}\n`,
  }));
}
