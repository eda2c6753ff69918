import { parseDecimal } from './decimal.ts';
import { TILE_WIDTH, type Tile } from './tile.ts';

/** A bundle of log entries, beside the tile of level 0 with the same index and width. */
export type EntryBundle = Omit<Tile, 'level'>;

/** An index in groups of three digits, all but the last with an x before it: 1234067 is `x001/x234/067`. */
function formatIndex(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) as string[];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

function formatWidth(width: number): string {
  return width === TILE_WIDTH ? '' : `.p/${width}`;
}

/**
 * The path of a tile below a log's prefix, such as `tile/0/x001/x234/067` or, of a partial one, `tile/1/000.p/17`
 * (C2SP tlog-tiles, "Merkle Tree").
 */
export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${formatIndex(index)}${formatWidth(width)}`;
}

/** The path of a bundle of entries below a log's prefix, such as `tile/entries/x001/x234/067`. */
export function entriesPath({ index, width }: EntryBundle): string {
  return `tile/entries/${formatIndex(index)}${formatWidth(width)}`;
}

const PATH = /^tile\/([0-9]{1,2}|entries)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

function parsePath(path: string) {
  const [, place, groups, partial] = PATH.exec(path) ?? [];
  if (place === undefined || groups === undefined) return undefined;
  const index = parseDecimal(groups.replace(/[x/]/g, '').replace(/^0+(?=[0-9])/, ''));
  const width = partial === undefined ? TILE_WIDTH : parseDecimal(partial);
  return index === undefined || width === undefined ? undefined : { place, index, width };
}

/** Refuses second spellings (`x000/001`, `00`, `.p/256`, `.p/0`): what is parsed must format to the same path. */
function isCanonical(width: number, path: string, formatted: string): boolean {
  return width >= 1 && path === formatted;
}

/** The tile that a path names, or undefined when it does not name one in exactly the form of `tilePath`. */
export function parseTilePath(path: string): Tile | undefined {
  const parsed = parsePath(path);
  if (parsed === undefined || parsed.place === 'entries') return undefined;
  const tile = { level: Number(parsed.place), index: parsed.index, width: parsed.width };
  return tile.level <= 63 && isCanonical(tile.width, path, tilePath(tile)) ? tile : undefined;
}

/** The bundle that a path names, or undefined when it does not name one in exactly the form of `entriesPath`. */
export function parseEntriesPath(path: string): EntryBundle | undefined {
  const parsed = parsePath(path);
  if (parsed?.place !== 'entries') return undefined;
  const bundle = { index: parsed.index, width: parsed.width };
  return isCanonical(bundle.width, path, entriesPath(bundle)) ? bundle : undefined;
}
