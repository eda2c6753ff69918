import { equalHashes, HASH_BYTES } from '../../../merkle/hash.ts';
import { type ReadTiles, TILE_WIDTH, tileWidth } from '../../../merkle/tile.ts';
import { rootOf } from '../../../merkle/tree.ts';
import { type CountedFinding, type Finding, Findings } from '../findings.ts';
import { Replay } from '../replay.ts';
import { usefulThreads } from '../thread.ts';
import type { SavedCheckpoint } from '../trust.ts';
import { firstDifference } from './difference.ts';
import { hashesIn } from './hash-lines.ts';
import { hashInThreads } from './hash-threads.ts';
import { wholeLines } from './lines.ts';
import { RemovalLines } from './removal-lines.ts';

/** An export and what it is compared with. */
export interface ExportOptions {
  /** Opens the NDJSON lines, unpacked, from the beginning. */
  open: () => AsyncIterable<Uint8Array>;
  /** Whether they can be opened once more, to say exactly what is wrong; standard input cannot. */
  canReopen: boolean;
  /** Checkpoints of one tree, their signatures verified; at least one. */
  checkpoints: readonly SavedCheckpoint[];
  /** Hashes of that tree from anywhere: they are believed only as far as a checkpoint vouches for them. */
  tiles?: ReadTiles | undefined;
  /** Which leaf the first line is: 0, or what retention left; above 0 the hashes before it come from the tiles. */
  start?: number;
  /** Threads that hash beside this one; by default one for each processor. */
  threads?: number;
  /** Called with the number of lines that were read. */
  onLines?: (lines: number) => void;
}

/** What the verification of an export found. */
export interface ExportVerification {
  lines: number;
  /** How many of the lines are behind the last checkpoint, so that nothing vouches for them. */
  newer: number;
  /** How many checkpoints the lines give. */
  held: number;
  /** Of the lines up to the last checkpoint; undefined when they are too few. */
  rootHash: Uint8Array | undefined;
  /** Whether only lines that nothing vouches for announce that what was before the first line is removed. */
  isAnnouncedLater: boolean;
  findings: CountedFinding[];
}

/** A checkpoint beside what the lines give at its size: undefined when they are too few. */
export interface Compared extends SavedCheckpoint {
  root: Uint8Array | undefined;
}

/**
 * Verifies that the lines of an export are the leaves of a tree that was signed: all of them, unchanged and in order.
 * Lines are hashed as the bytes that they are, for a root hash vouches for every byte. Memory does not grow with the
 * file but for an eighth of a byte for each line.
 */
export async function verifyExport(options: ExportOptions): Promise<ExportVerification> {
  const { checkpoints, start = 0 } = options;
  const findings = new Findings();
  const replay = new Replay();
  if (start > 0) await seed(replay, options);
  const before = Buffer.from(rootOf(replay.frontier)).toString('hex');
  const spoken = new RemovalLines();
  const { lines, compared } = await compare(options, { replay, spoken });
  const last = sizeOfLast(checkpoints);
  const held = compared.filter(holds);
  const best = Math.max(0, ...held.map(({ checkpoint }) => checkpoint.treeSize));
  for (const { name, tree, checkpoint } of compared.filter((one) => !holds(one))) {
    if (checkpoint.treeSize > best) continue;
    const message = `${name} is of another log: the lines give a later checkpoint, but not this one`;
    findings.add({ kind: 'checkpoint', message, tree, treeSize: checkpoint.treeSize });
  }
  const wrong = compared.filter((one) => !holds(one) && one.checkpoint.treeSize > best);
  if (wrong.length > 0)
    findings.add(
      withStart(
        await firstDifference(options, { wrong, best, end: start + lines, replay }),
        start,
        spoken.announced(),
      ),
    );
  // A customer's tree has no such event.
  const isOfLog = checkpoints.some(({ tree }) => tree === 'log');
  const judge = (end: number) =>
    isOfLog && !findings.isAboutEvents
      ? spoken.before(end).judge(start, (size) => (size === start ? before : undefined))
      : undefined;
  const unannounced = judge(last);
  const isAnnouncedLater = unannounced !== undefined && judge(Infinity) === undefined;
  if (unannounced && !isAnnouncedLater) findings.add(unannounced);
  return {
    lines,
    newer: Math.max(0, start + lines - last),
    held: held.length,
    rootHash: start + lines >= last ? rootOf(replay.frontier) : undefined,
    isAnnouncedLater,
    findings: findings.list(),
  };
}

/** Of an export that a purge has shortened every line is at another position than `start` says: the finding says that too. */
function withStart(finding: Finding, start: number, announced: number): Finding {
  if (announced <= start) return finding;
  const message =
    `a line announces that a purge removed the events before position ${announced}: if the export begins there, verify ` +
    `it with --start ${announced} --tiles URL. As lines from position ${start} on: ${finding.message}`;
  return { ...finding, message };
}

function holds({ root, checkpoint }: Compared): boolean {
  return root !== undefined && equalHashes(root, checkpoint.rootHash);
}

/** Grows the tree by the lines, and takes its root at the size of each checkpoint. */
async function compare(
  { open, checkpoints, onLines, start = 0, threads = usefulThreads() }: ExportOptions,
  { replay, spoken }: { replay: Replay; spoken: RemovalLines },
): Promise<{ lines: number; compared: Compared[] }> {
  const waiting = [...checkpoints].sort((a, b) => a.checkpoint.treeSize - b.checkpoint.treeSize);
  const compared: Compared[] = [];
  const takeReached = () => {
    while (waiting[0] && waiting[0].checkpoint.treeSize <= replay.frontier.size) {
      const reached = waiting.shift() as SavedCheckpoint;
      // One of less than what retention left cannot be compared.
      if (reached.checkpoint.treeSize >= start || reached.checkpoint.treeSize === replay.frontier.size)
        compared.push({ ...reached, root: rootOf(replay.frontier) });
    }
  };
  let lines = 0;
  takeReached();
  for await (const hashes of hashInThreads(spoken.look(wholeLines(open())), threads)) {
    spoken.place(start + lines);
    for (let at = 0; waiting[0] && at < hashes.length; ) {
      const wanted = (waiting[0].checkpoint.treeSize - replay.frontier.size) * HASH_BYTES;
      const end = Math.min(hashes.length, at + wanted);
      replay.add(hashesIn(hashes.subarray(at, end)));
      at = end;
      takeReached();
    }
    lines += hashes.length / HASH_BYTES;
    onLines?.(lines);
  }
  return { lines, compared: [...compared, ...waiting.map((one) => ({ ...one, root: undefined }))] };
}

// Whether these leaves are true shows in the root hash, like those of the lines.
async function seed(replay: Replay, { start = 0, tiles, checkpoints }: ExportOptions): Promise<void> {
  if (!tiles)
    throw new RangeError('what is before the first line can only be told with tiles: give --tiles URL');
  const size = sizeOfLast(checkpoints);
  if (start > size) throw new RangeError(`the last checkpoint is of ${size} events, before the first line`);
  for (let index = 0; index * TILE_WIDTH < start; index += 1) {
    const [bytes] = await tiles([{ level: 0, index, width: tileWidth(0, index, size) }]);
    replay.add(hashesIn(bytes as Uint8Array).slice(0, start - index * TILE_WIDTH));
  }
}

function sizeOfLast(checkpoints: readonly SavedCheckpoint[]): number {
  return Math.max(...checkpoints.map(({ checkpoint }) => checkpoint.treeSize));
}
