import { type FileHandle, open } from 'node:fs/promises';
import type { Checkpoint } from '../../merkle/checkpoint.ts';
import { type CheckpointPolicy, openCheckpoint } from '../../merkle/signed-checkpoint.ts';

// No line of a checkpoint is empty but the one before the signatures, so two in a row part one note from the next.
const GAP = '\n\n';
const TAIL_BYTES = 65_536;

/**
 * The newest checkpoint in the file that satisfies the policy; undefined when the file is empty or not there yet.
 * What a crash cut off is passed over. Throws when the file cannot be read or holds only other things.
 */
export async function readLastAnchor(
  path: string,
  policy: CheckpointPolicy,
): Promise<Checkpoint | undefined> {
  const tail = await withFile(path, (file) => readEnd(file, TAIL_BYTES));
  if (tail === '') return undefined;
  for (const note of tail.split(`\n${GAP}`).reverse()) {
    const opened = await openCheckpoint(`${note}\n`, policy).catch(() => undefined);
    if (opened) return opened.checkpoint;
  }
  throw new Error(`${path} holds no checkpoint of the log ${policy.origin}: name another file`);
}

/** Adds a note to the end of the file and waits until it is on the disk. */
export async function appendAnchor(path: string, note: string): Promise<void> {
  await withFile(path, async (file) => {
    const end = await readEnd(file, GAP.length + 1);
    const isWhole = end === '' || end === `\n${GAP}`;
    await file.appendFile(`${isWhole ? '' : `\n${GAP}`}${note}${GAP}`);
    await file.sync();
  });
}

// Opened for appending even to read: that it can be written to is known at start, and it is there from then on.
async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'a+', 0o644);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function readEnd(file: FileHandle, bytes: number): Promise<string> {
  const { size } = await file.stat();
  const start = Math.max(0, size - bytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.toString('utf8', 0, bytesRead);
}
