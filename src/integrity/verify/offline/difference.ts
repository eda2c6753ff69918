import { canonicalJson } from '../../../events/canonical.ts';
import type { JsonValue } from '../../../events/event.ts';
import { leafHash } from '../../../merkle/hash.ts';
import { TILE_WIDTH, tileWidth } from '../../../merkle/tile.ts';
import { parseJson } from '../../../parse-json.ts';
import type { Finding } from '../findings.ts';
import type { Replay } from '../replay.ts';
import type { Compared, ExportOptions } from './export.ts';
import { hashesIn, linesIn } from './hash-lines.ts';
import { wholeLines } from './lines.ts';
import { explain, firstWrongTile } from './locate.ts';
import { LogFileError } from './log-files.ts';
import { TileError, TrustedTiles } from './trusted-tiles.ts';

/** Leaves that are looked at to tell a missing line from a changed one. */
const WINDOW = 2 * TILE_WIDTH;

const IF_LATER =
  'that is also so when the checkpoint was taken after the export: take the checkpoint first, then export';
const IF_OTHER_LINES =
  'that is also so when the checkpoint was taken after the export (take it first), when the export was made with ' +
  '--filter (export without; one customer goes with the checkpoint of that customer), and when a purge removed what was ' +
  'before the first line (give --start POSITION --tiles URL)';

/** What is known about lines that do not give all checkpoints. */
export interface Difference {
  /** The checkpoints that they do not give, from the smallest on. */
  wrong: readonly Compared[];
  /** The size of the largest checkpoint that they do give: up to there they are right. */
  best: number;
  /** The position behind the last line. */
  end: number;
  replay: Replay;
}

/**
 * Says which line is the first that is wrong, and how: exactly with the tree's hashes, else as far as the checkpoints
 * and the lines themselves tell.
 */
export async function firstDifference(options: ExportOptions, difference: Difference): Promise<Finding> {
  const last = difference.wrong.at(-1) as Compared;
  try {
    const found = options.tiles && (await locate(options, difference, last));
    if (found) return { ...found, tree: last.tree, treeSize: last.checkpoint.treeSize };
  } catch (error) {
    if (!(error instanceof TileError || error instanceof LogFileError)) throw error;
    const found = await narrow(options, difference);
    return { ...found, message: `${found.message}; the tiles do not help: ${error.message}` };
  }
  return narrow(options, difference);
}

/** What checkpoints and lines alone tell. */
async function narrow(options: ExportOptions, { wrong, best, end }: Difference): Promise<Finding> {
  const next = wrong[0] as Compared;
  if (next.root === undefined) return truncated(next, { best, end });
  const odd = await firstUncanonical(options, best, next.checkpoint.treeSize);
  if (odd !== undefined) {
    const message = 'the line is not the canonical form of an event, so it was changed';
    return { kind: 'changed', message, position: odd, tree: next.tree };
  }
  const message =
    `the lines up to position ${next.checkpoint.treeSize - 1} do not give ${next.name}: one from here on was changed, ` +
    'removed, put in or moved (with --tiles it can be said which)';
  return { kind: 'different', message, position: best, tree: next.tree, treeSize: next.checkpoint.treeSize };
}

function truncated(
  { name, tree, checkpoint }: Compared,
  { best, end }: { best: number; end: number },
): Finding {
  const { treeSize } = checkpoint;
  const isRight = best === end;
  const message = isRight
    ? `the lines end here, and ${name} is of ${treeSize} events: the last ${treeSize - end} are missing; ${IF_LATER}`
    : `${name} is of ${treeSize} events, but the lines end at position ${end}; ${IF_OTHER_LINES}`;
  return { kind: 'truncated', message, position: isRight ? end : undefined, tree, treeSize };
}

async function locate(
  options: ExportOptions,
  { replay, end }: Difference,
  { checkpoint, name }: Compared,
): Promise<Finding | undefined> {
  const root = { size: checkpoint.treeSize, rootHash: checkpoint.rootHash };
  const tiles = new TrustedTiles(options.tiles as NonNullable<ExportOptions['tiles']>, root);
  const tile = await firstWrongTile(tiles, replay);
  const start = tile * TILE_WIDTH;
  const right = await leavesFrom(tiles, tile);
  if (!options.canReopen) return { ...between(start, Math.min(root.size, start + TILE_WIDTH)) };
  const found = explain(await hashesFrom(options, start, right), right, start);
  if (found?.kind === 'missing' && found.position === end)
    return {
      ...found,
      message: `the lines end before this event, and ${name} is of ${root.size}; ${IF_LATER}`,
    };
  return found;
}

function between(start: number, end: number): Finding {
  const message = `the first that is wrong is from here to position ${end - 1} (from a file it can be said which)`;
  return { kind: 'different', message, position: start };
}

async function leavesFrom(tiles: TrustedTiles, index: number): Promise<Uint8Array[]> {
  const leaves: Uint8Array[] = [];
  for (const at of [index, index + 1]) {
    if (tileWidth(0, at, tiles.root.size) > 0) leaves.push(...hashesIn(await tiles.read(0, at)));
  }
  return leaves;
}

/** The leaf hashes of the lines from a position on, as many as the window has. */
async function hashesFrom(
  options: ExportOptions,
  from: number,
  right: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  let position = options.start ?? 0;
  // What is before the first line came from the tiles.
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

/** The position of the first line between two that is not the RFC 8785 form of a JSON object. */
async function firstUncanonical(
  options: ExportOptions,
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
