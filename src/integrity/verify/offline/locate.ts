import { HASH_BYTES } from '../../../merkle/hash.ts';
import { TILE_WIDTH } from '../../../merkle/tile.ts';
import type { Finding } from '../findings.ts';
import type { HashList, Replay } from '../replay.ts';
import type { TrustedTiles } from './trusted-tiles.ts';

/** A hash's name, to look it up by. */
const nameOf = (hash: Uint8Array) => Buffer.from(hash).toString('hex');

/**
 * The index of the first tile of leaves that the lines do not give, going down from the top of the tree: of lines that
 * are too few, the tile in which they end.
 */
export async function firstWrongTile(tiles: TrustedTiles, replay: Replay): Promise<number> {
  let level = 0;
  while (TILE_WIDTH ** (level + 1) <= tiles.root.size) level += 1;
  let index = 0;
  for (; level > 0; level -= 1) index = await firstWrongHash(tiles, { level, index }, replay.upper(level));
  return index;
}

/** The first hash of a tile that differs; the one behind its last when none does. Counted within the level. */
async function firstWrongHash(
  tiles: TrustedTiles,
  { level, index }: { level: number; index: number },
  own: HashList | undefined,
): Promise<number> {
  const start = index * TILE_WIDTH;
  if (start >= Math.floor(tiles.root.size / TILE_WIDTH ** level)) return start;
  const right = await tiles.read(level, index);
  const known = own?.slice(start, start + TILE_WIDTH) ?? new Uint8Array(0);
  let at = 0;
  while (at < right.length && right[at] === known[at]) at += 1;
  return start + Math.floor(at / HASH_BYTES);
}

/**
 * What is wrong at the first difference between the leaf hashes of the lines (`own`) and those of the tree (`right`),
 * which both begin at position `start`; undefined when there is none.
 */
export function explain(
  own: readonly Uint8Array[],
  right: readonly Uint8Array[],
  start: number,
): Finding | undefined {
  const [ours, theirs] = [own.map(nameOf), right.map(nameOf)];
  const at = theirs.findIndex((name, index) => name !== ours[index]);
  if (at < 0) return undefined;
  const position = start + at;
  const line = ours[at];
  if (line === undefined) return { kind: 'missing', message: 'the lines end before this event', position };
  const home = theirs.indexOf(line);
  const expected = ours.indexOf(theirs[at] as string);
  if (home >= 0 && home < at) return extra(position, 1);
  if (home >= 0 && expected < 0) return missing(position, home - at);
  if (home >= 0)
    return {
      kind: 'out of order',
      message: `the line holds the event of position ${start + home}`,
      position,
    };
  if (expected > at) return extra(position, expected - at);
  return { kind: 'changed', message: 'the event was changed: it is not what was appended', position };
}

function missing(position: number, count: number): Finding {
  const message = count > 1 ? `the event and the ${count - 1} after it are missing` : 'the event is missing';
  return { kind: 'missing', message, position };
}

function extra(position: number, count: number): Finding {
  const lines = count > 1 ? `${count} lines are` : 'a line is';
  return { kind: 'extra', message: `${lines} there that should not be`, position };
}
