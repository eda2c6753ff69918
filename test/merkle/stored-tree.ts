import type { ReadNodes } from '../../src/merkle/prove.ts';
import { emptyFrontier, extendFrontier } from '../../src/merkle/tree.ts';

/** Reads nodes out of a tree in memory, as `extendFrontier` told of them. */
export function nodesOf(leaves: readonly Uint8Array[]): ReadNodes {
  const stored = new Map<string, Uint8Array>();
  extendFrontier(emptyFrontier, leaves, (level, index, hash) => {
    stored.set(`${level}/${index}`, hash);
  });
  return async (nodes) =>
    nodes.map(({ level, index }) => {
      const hash = stored.get(`${level}/${index}`);
      if (hash === undefined) throw new Error(`the tree has no complete node ${level}/${index}`);
      return hash;
    });
}
