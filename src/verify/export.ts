import { canonicalJson } from '../events/canonical.ts';
import type { JsonValue } from '../events/fields.ts';
import { equalHashes, HASH_BYTES, leafHash } from '../merkle/hash.ts';
import { type ReadTiles, TILE_WIDTH, tileWidth } from '../merkle/tile.ts';
import { rootOf } from '../merkle/tree.ts';
import { parseJson } from '../parse-json.ts';
import { hashesIn, linesIn, wholeLines } from './export-lines.ts';
import { type CountedFinding, type Finding, Findings } from './findings.ts';
import { LogFileError } from './log-files.ts';
import { RemovalLines } from './removals.ts';
import { Replay } from './replay.ts';
import { hashInThreads, usefulThreads } from './threads.ts';
import type { SavedCheckpoint } from './trust.ts';
import { explainLeaves, firstWrongTile, TileError, TrustedTiles } from './trusted-tiles.ts';

/** An export, and the evidence to compare it with. */
export interface ExportVerifyOptions {
  /** Opens the uncompressed NDJSON lines from the beginning. */
  open: () => AsyncIterable<Uint8Array>;
  /** Whether `open` works again, to locate an error. Standard input can be read only once. */
  canReopen: boolean;
  /** At least one checkpoint of one tree, with verified signatures. */
  checkpoints: readonly SavedCheckpoint[];
  /** Tiles of that tree. They need not be trusted: they are compared with a checkpoint. */
  tiles?: ReadTiles | undefined;
  /** The position of the first line. Above 0, after a purge, the tiles give the hashes before it. Default: 0. */
  start?: number;
  /** Additional threads that hash. Default: one per processor. */
  threads?: number;
  /** Called with the number of lines read so far. */
  onLines?: (lines: number) => void;
}

/** The result of the verification of an export. */
export interface ExportVerification {
  lines: number;
  /** The number of lines after the last checkpoint, which it does not cover. */
  newer: number;
  /** The number of checkpoints that the lines match. */
  held: number;
  /** The root hash of the lines up to the last checkpoint; undefined when there are too few lines. */
  rootHash: Uint8Array | undefined;
  /** Whether only lines after the last checkpoint announce the removal of the events before the first line. */
  isAnnouncedLater: boolean;
  findings: CountedFinding[];
}

/** A checkpoint, and the root hash of the lines at its size; undefined when there are too few lines. */
export interface ComparedCheckpoint extends SavedCheckpoint {
  root: Uint8Array | undefined;
}

/**
 * Verifies that the lines of an export are the leaves of a signed tree: all of them, unchanged and in order. Lines are
 * hashed as they are, since the root hash covers every byte. Memory grows by an eighth of a byte per line.
 */
export async function verifyExport(options: ExportVerifyOptions): Promise<ExportVerification> {
  const { checkpoints, start = 0 } = options;
  const findings = new Findings();
  const replay = new Replay();
  if (start > 0) await addLeavesBeforeLines(replay, options);
  const rootAtStart = Buffer.from(rootOf(replay.frontier)).toString('hex');
  const removalLines = new RemovalLines();
  const { lines, compared } = await compareCheckpoints(options, { replay, removalLines });
  const end = start + lines;
  const right = compared.filter(isMatched);
  const matched = Math.max(0, ...right.map(({ checkpoint }) => checkpoint.treeSize));
  const wrong = compared.filter((one) => !isMatched(one));
  addOtherLogs(
    findings,
    wrong.filter(({ checkpoint }) => checkpoint.treeSize <= matched),
  );
  const unmatched = wrong.filter(({ checkpoint }) => checkpoint.treeSize > matched);
  if (unmatched.length > 0) {
    const difference = await explainDifference(options, { wrong: unmatched, matched, end, replay });
    findings.add(withStart(difference, start, removalLines.largestAnnounced()));
  }
  const last = sizeOfLast(checkpoints);
  // A customer's tree has no announcements, and an announcement may be among wrong lines.
  const hasAnnouncements = checkpoints.some(({ tree }) => tree === 'log') && !findings.isAboutEvents;
  const removal = hasAnnouncements
    ? checkRemovalLines(removalLines, { start, last, rootAtStart })
    : undefined;
  if (removal?.finding) findings.add(removal.finding);
  return {
    lines,
    newer: Math.max(0, end - last),
    held: right.length,
    rootHash: end >= last ? rootOf(replay.frontier) : undefined,
    isAnnouncedLater: removal?.isAnnouncedLater ?? false,
    findings: findings.list(),
  };
}

/** Checks that a line before position `last` announces the removal of the events before `start`. */
function checkRemovalLines(
  removalLines: RemovalLines,
  { start, last, rootAtStart }: { start: number; last: number; rootAtStart: string },
): { finding: Finding | undefined; isAnnouncedLater: boolean } {
  const problemBefore = (end: number) =>
    removalLines.eventsBefore(end).problemAt(start, (size) => (size === start ? rootAtStart : undefined));
  const finding = problemBefore(last);
  const isAnnouncedLater = finding !== undefined && problemBefore(Infinity) === undefined;
  return { finding: isAnnouncedLater ? undefined : finding, isAnnouncedLater };
}

/** Adds a finding for each checkpoint that the lines do not match, although they match a larger one. */
function addOtherLogs(findings: Findings, checkpoints: readonly ComparedCheckpoint[]): void {
  for (const { name, tree, checkpoint } of checkpoints) {
    const message = `${name} is of another log: the lines give a later checkpoint, but not this one`;
    findings.add({ kind: 'checkpoint', message, tree, treeSize: checkpoint.treeSize });
  }
}

/** When the lines announce a purge beyond `start`, `start` is probably wrong: adds that to the finding. */
function withStart(finding: Finding, start: number, announced: number): Finding {
  if (announced <= start) return finding;
  const message =
    `a line announces that a purge removed the events before position ${announced}: if the export begins there, verify ` +
    `it with --start ${announced} --tiles URL. As lines from position ${start} on: ${finding.message}`;
  return { ...finding, message };
}

function isMatched({ root, checkpoint }: ComparedCheckpoint): boolean {
  return root !== undefined && equalHashes(root, checkpoint.rootHash);
}

/** Appends the lines to the tree, and takes the root hash at the size of each checkpoint. */
async function compareCheckpoints(
  { open, checkpoints, onLines, start = 0, threads = usefulThreads() }: ExportVerifyOptions,
  { replay, removalLines }: { replay: Replay; removalLines: RemovalLines },
): Promise<{ lines: number; compared: ComparedCheckpoint[] }> {
  const waiting = [...checkpoints].sort((a, b) => a.checkpoint.treeSize - b.checkpoint.treeSize);
  const compared: ComparedCheckpoint[] = [];
  const takeReached = () => {
    while (waiting[0] && waiting[0].checkpoint.treeSize <= replay.frontier.size) {
      const reached = waiting.shift() as SavedCheckpoint;
      // A checkpoint before the first line cannot be compared.
      if (reached.checkpoint.treeSize >= start || reached.checkpoint.treeSize === replay.frontier.size)
        compared.push({ ...reached, root: rootOf(replay.frontier) });
    }
  };
  let lines = 0;
  takeReached();
  for await (const hashes of hashInThreads(removalLines.collect(wholeLines(open())), threads)) {
    removalLines.setPosition(start + lines);
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

// The root hash verifies these leaves together with the lines.
async function addLeavesBeforeLines(
  replay: Replay,
  { start = 0, tiles, checkpoints }: ExportVerifyOptions,
): Promise<void> {
  if (!tiles)
    throw new RangeError('the hashes before the first line are known only with tiles: give --tiles URL');
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

/** The number of leaves compared to distinguish a missing line from a changed one. */
const WINDOW = 2 * TILE_WIDTH;

const IF_LATER =
  'that is also so when the checkpoint was taken after the export: take the checkpoint first, then export';
const IF_OTHER_LINES =
  'that is also so when the checkpoint was taken after the export (take it first), when the export was made with ' +
  '--filter (export without; one customer goes with the checkpoint of that customer), and when a purge removed what was ' +
  'before the first line (give --start POSITION --tiles URL)';

/** Lines that do not match all checkpoints. */
export interface Difference {
  /** The checkpoints that they do not match, smallest first. */
  wrong: readonly ComparedCheckpoint[];
  /** The size of the largest checkpoint that they match: the lines up to there are right. */
  matched: number;
  /** The position after the last line. */
  end: number;
  replay: Replay;
}

/**
 * Locates the first wrong line: exactly with the tree's tiles, else as far as the checkpoints and the lines allow.
 */
export async function explainDifference(
  options: ExportVerifyOptions,
  difference: Difference,
): Promise<Finding> {
  const last = difference.wrong.at(-1) as ComparedCheckpoint;
  try {
    const found = options.tiles && (await locateByTiles(options, difference, last));
    if (found) return { ...found, tree: last.tree, treeSize: last.checkpoint.treeSize };
  } catch (error) {
    if (!(error instanceof TileError || error instanceof LogFileError)) throw error;
    const found = await locateByCheckpoints(options, difference);
    return { ...found, message: `${found.message}; the tiles do not help: ${error.message}` };
  }
  return locateByCheckpoints(options, difference);
}

/** Locates the first wrong line by checkpoints and lines alone. */
async function locateByCheckpoints(
  options: ExportVerifyOptions,
  { wrong, matched, end }: Difference,
): Promise<Finding> {
  const next = wrong[0] as ComparedCheckpoint;
  if (next.root === undefined) return truncated(next, { matched, end });
  const changed = await firstUncanonical(options, matched, next.checkpoint.treeSize);
  if (changed !== undefined) {
    const message = 'the line is not the canonical form of an event, so it was changed';
    return { kind: 'changed', message, position: changed, tree: next.tree };
  }
  const message =
    `the lines up to position ${next.checkpoint.treeSize - 1} do not give ${next.name}: one from here on was changed, ` +
    'removed, put in or moved (with --tiles it can be said which)';
  return {
    kind: 'different',
    message,
    position: matched,
    tree: next.tree,
    treeSize: next.checkpoint.treeSize,
  };
}

function truncated(
  { name, tree, checkpoint }: ComparedCheckpoint,
  { matched, end }: { matched: number; end: number },
): Finding {
  const { treeSize } = checkpoint;
  const isRight = matched === end;
  const message = isRight
    ? `the lines end here, and ${name} is of ${treeSize} events: the last ${treeSize - end} are missing; ${IF_LATER}`
    : `${name} is of ${treeSize} events, but the lines end at position ${end}; ${IF_OTHER_LINES}`;
  return { kind: 'truncated', message, position: isRight ? end : undefined, tree, treeSize };
}

async function locateByTiles(
  options: ExportVerifyOptions,
  { replay, end }: Difference,
  { checkpoint, name }: ComparedCheckpoint,
): Promise<Finding | undefined> {
  const root = { size: checkpoint.treeSize, rootHash: checkpoint.rootHash };
  const tiles = new TrustedTiles(options.tiles as NonNullable<ExportVerifyOptions['tiles']>, root);
  const tile = await firstWrongTile(tiles, replay);
  const start = tile * TILE_WIDTH;
  const right = await leavesFrom(tiles, tile);
  if (!options.canReopen) return { ...between(start, Math.min(root.size, start + TILE_WIDTH)) };
  const found = explainLeaves(await hashesFrom(options, start, right), right, start);
  if (found?.kind === 'missing' && found.position === end)
    return {
      ...found,
      message: `the lines end before this event, and ${name} is of ${root.size}; ${IF_LATER}`,
    };
  return found;
}

function between(start: number, end: number): Finding {
  const message = `the first wrong line is between here and position ${end - 1} (with a file instead of standard input it can be located)`;
  return { kind: 'different', message, position: start };
}

async function leavesFrom(tiles: TrustedTiles, index: number): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = [];
  for (const at of [index, index + 1]) {
    if (tileWidth(0, at, tiles.root.size) > 0) leaves.push(...hashesIn(await tiles.read(0, at)));
  }
  return leaves;
}

/** The leaf hashes of up to `WINDOW` lines from a position on. */
async function hashesFrom(
  options: ExportVerifyOptions,
  from: number,
  right: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  let position = options.start ?? 0;
  // The leaves before the first line come from the tiles.
  const own = right.slice(0, Math.max(0, position - from));
  for await (const part of wholeLines(options.open())) {
    for (const line of linesIn(part)) {
      if (position >= from) own.push(leafHash(line));
      position += 1;
      if (own.length === WINDOW) return own;
    }
  }
  return own;
}

/** The first position between two at which the line is not the RFC 8785 form of a JSON object. */
async function firstUncanonical(
  options: ExportVerifyOptions,
  from: number,
  to: number,
): Promise<number | undefined> {
  if (!options.canReopen) return undefined;
  let position = options.start ?? 0;
  for await (const part of wholeLines(options.open())) {
    for (const line of linesIn(part)) {
      if (position >= to) return undefined;
      if (position >= from && !isCanonical(line)) return position;
      position += 1;
    }
  }
  return undefined;
}

function isCanonical(line: Uint8Array): boolean {
  const text = Buffer.from(line).toString('utf8');
  try {
    const value = parseJson(text) as JsonValue;
    return typeof value === 'object' && canonicalJson(value) === text;
  } catch {
    return false;
  }
}
