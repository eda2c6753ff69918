import { emptyRoot, HASH_BYTES, nodeHash } from './hash.ts';

/**
 * All of a tree that is needed to append to it: the roots of its complete subtrees, largest (leftmost) first, one for
 * each 1 bit of `size`, so at most 53. A value: nothing here changes a frontier that it was given.
 */
export interface Frontier {
  /** Leaves in the tree, 0 to 2^53 - 1. */
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
}

/**
 * Called with each node as soon as it is final: `level` 0 is a leaf, and the node covers the leaves
 * `index * 2^level` up to `(index + 1) * 2^level`, the last one left out.
 */
export type NodeVisitor = (level: number, index: number, hash: Uint8Array) => void;

/** The frontier of the tree without leaves. */
export const emptyFrontier: Frontier = Object.freeze({ size: 0, hashes: Object.freeze([]) });

/** How many hashes the frontier of a tree of `size` leaves has: the 1 bits of `size`. */
export function frontierLength(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

function checkFrontier({ size, hashes }: Frontier): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('a tree size is 0 to 2^53 - 1');
  if (hashes.length !== frontierLength(size))
    throw new RangeError('the frontier does not belong to this size');
}

/**
 * The frontier after appending `leafHashes` in order: about one `nodeHash` for each leaf, however the leaves are cut
 * into batches. `onNode` is called with every completed node, leaves included, children before parents.
 * Throws a RangeError when the frontier is malformed or the tree would exceed 2^53 - 1 leaves.
 */
export function extendFrontier(
  frontier: Frontier,
  leafHashes: readonly Uint8Array[],
  onNode?: NodeVisitor,
): Frontier {
  checkFrontier(frontier);
  const size = frontier.size + leafHashes.length;
  if (!Number.isSafeInteger(size)) throw new RangeError('a tree size is 0 to 2^53 - 1');
  const hashes = [...frontier.hashes];
  leafHashes.forEach((leaf, offset) => {
    pushLeaf(hashes, frontier.size + offset, leaf, onNode);
  });
  return { size, hashes };
}

/** Adds the leaf at `position`: like a carry in binary addition, each trailing 1 bit merges two subtrees. */
function pushLeaf(hashes: Uint8Array[], position: number, leaf: Uint8Array, onNode?: NodeVisitor): void {
  if (leaf.length !== HASH_BYTES) throw new RangeError('a hash has 32 bytes');
  let hash = leaf;
  let index = position;
  onNode?.(0, index, hash);
  for (let level = 1; index % 2 === 1; level++) {
    hash = nodeHash(hashes.pop() as Uint8Array, hash);
    index = (index - 1) / 2;
    onNode?.(level, index, hash);
  }
  hashes.push(hash);
}

/** The root hash, MTH(D[n]) of RFC 6962 and RFC 9162, section 2.1.1: the subtrees folded from the smallest up. */
export function rootOf(frontier: Frontier): Uint8Array {
  checkFrontier(frontier);
  if (frontier.size === 0) return emptyRoot();
  return frontier.hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** The concatenated hashes of a frontier, largest subtree first: 32 bytes each, none for the empty tree. */
export function serializeFrontier(frontier: Frontier): Uint8Array {
  checkFrontier(frontier);
  const bytes = new Uint8Array(frontier.hashes.length * HASH_BYTES);
  frontier.hashes.forEach((hash, index) => {
    bytes.set(hash, index * HASH_BYTES);
  });
  return bytes;
}

/**
 * The frontier of a tree of `size` leaves from the bytes of `serializeFrontier`, copied. Throws a RangeError when the
 * length of `bytes` does not belong to `size`.
 */
export function parseFrontier(size: number, bytes: Uint8Array): Frontier {
  const hashes: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += HASH_BYTES) {
    hashes.push(Uint8Array.from(bytes.subarray(start, start + HASH_BYTES)));
  }
  if (bytes.length % HASH_BYTES !== 0) throw new RangeError('a frontier consists of hashes of 32 bytes');
  const frontier = { size, hashes };
  checkFrontier(frontier);
  return frontier;
}
