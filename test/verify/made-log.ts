import { leafHash } from '../../src/merkle/hash.ts';
import { TILE_WIDTH } from '../../src/merkle/tile.ts';
import { entriesPath, formatEntries, tilePath } from '../../src/merkle/tile-files.ts';
import { emptyFrontier, extendFrontier } from '../../src/merkle/tree.ts';
import type { ReadLogFile } from '../../src/verify/log-files.ts';
import type { SavedCheckpoint } from '../../src/verify/trust.ts';
import { merkleTreeHash } from '../merkle/reference.ts';

/** The lines of a log: small, and each another. */
export function linesOf(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `{"action":"a${n}","id":"audit_${n}","v":1}`);
}

/** The same lines, the last of which announces that those before a position are removed. */
export function announcing(lines: readonly string[], firstPosition: number): string[] {
  const leaves = lines.slice(0, firstPosition).map((line) => leafHash(Buffer.from(line)));
  const rootHash = Buffer.from(merkleTreeHash(leaves)).toString('hex');
  const details = { firstPosition, from: 0, purged: firstPosition, rootHash };
  const event = { action: 'log.purge', details, event_type: 'data.delete', resource_type: 'audit_log' };
  return [...lines.slice(0, -1), JSON.stringify(event)];
}

/** A checkpoint of the first lines, as it would have been kept. */
export function checkpointOf(lines: readonly string[], treeSize: number): SavedCheckpoint {
  const leaves = lines.slice(0, treeSize).map((line) => leafHash(Buffer.from(line)));
  const rootHash = merkleTreeHash(leaves);
  return {
    name: `of ${treeSize}`,
    tree: 'log',
    checkpoint: { origin: 'example.org/log', treeSize, rootHash, extensions: [] },
  };
}

/** The files of a log by their paths, as tlog-tiles has them. */
export function filesOf(lines: readonly string[]): Map<string, Uint8Array> {
  const entries = lines.map((line) => Buffer.from(line));
  const levels: Uint8Array[][] = [];
  extendFrontier(emptyFrontier, entries.map(leafHash), (level, _, hash) => {
    if (level % 8 === 0) levels[level / 8] = [...(levels[level / 8] ?? []), hash];
  });
  const files = new Map<string, Uint8Array>();
  for (const [level, hashes] of levels.entries()) {
    for (let index = 0; index * TILE_WIDTH < hashes.length; index += 1) {
      const own = hashes.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
      files.set(tilePath({ level, index, width: own.length }), Buffer.concat(own));
    }
  }
  for (let index = 0; index * TILE_WIDTH < entries.length; index += 1) {
    const own = entries.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
    files.set(entriesPath({ index, width: own.length }), formatEntries(own));
  }
  return files;
}

export function reading(files: ReadonlyMap<string, Uint8Array>): ReadLogFile {
  return async (path) => files.get(path);
}
