import { equalHashes, HASH_BYTES, nodeHash } from './hash.ts';

/** A leaf index or tree size: a safe integer, or a bigint up to 2^64 - 1, the largest the RFCs know. */
export type Count = number | bigint;

/** What an inclusion proof claims: that `leafHash` is the leaf `index` of the tree with this size and root. */
export interface InclusionClaim {
  readonly index: Count;
  readonly size: Count;
  readonly leafHash: Uint8Array;
  readonly rootHash: Uint8Array;
  /** From the leaf's sibling to the root's child. */
  readonly proof: readonly Uint8Array[];
}

/** What a consistency proof claims: that the tree `from` is the beginning of the tree `to`. */
export interface ConsistencyClaim {
  readonly from: { readonly size: Count; readonly rootHash: Uint8Array };
  readonly to: { readonly size: Count; readonly rootHash: Uint8Array };
  readonly proof: readonly Uint8Array[];
}

const LARGEST = 2n ** 64n - 1n;

function toBigInt(count: Count): bigint | undefined {
  if (typeof count === 'number') return Number.isSafeInteger(count) && count >= 0 ? BigInt(count) : undefined;
  return count >= 0n && count <= LARGEST ? count : undefined;
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES);
}

/**
 * The path from a node at the right edge of the smaller tree up to the root of the larger one (fn and sn of RFC 9162). It
 * determines for each hash of a proof whether it is a left or a right sibling.
 */
class Path {
  #node: bigint;
  #last: bigint;

  constructor(node: bigint, last: bigint) {
    this.#node = node;
    this.#last = last;
  }

  get atRoot(): boolean {
    return this.#last === 0n;
  }

  /** Up over all levels on which the node is a right child. */
  skipRightChildren(): void {
    while (this.#node & 1n) this.#up();
  }

  /** Up by one hash of the proof: whether that hash is the left sibling, else it is the right one. */
  step(): 'left' | 'right' {
    const side = this.#node & 1n || this.#node === this.#last ? 'left' : 'right';
    // The last node of a level without a sibling is carried up as it is, without a hash in the proof.
    if (side === 'left') while (this.#node !== 0n && !(this.#node & 1n)) this.#up();
    this.#up();
    return side;
  }

  #up(): void {
    this.#node >>= 1n;
    this.#last >>= 1n;
  }
}

/**
 * Whether an inclusion proof holds (RFC 9162, 2.1.3.2). Never throws: returns false for anything malformed, too long, too
 * short or out of range.
 */
export function verifyInclusion({ index, size, leafHash, rootHash, proof }: InclusionClaim): boolean {
  const [leaf, leaves] = [toBigInt(index), toBigInt(size)];
  if (leaf === undefined || leaves === undefined || leaf >= leaves) return false;
  if (!areHashes([leafHash, rootHash, ...proof])) return false;
  const path = new Path(leaf, leaves - 1n);
  let hash = leafHash;
  for (const sibling of proof) {
    if (path.atRoot) return false;
    hash = path.step() === 'left' ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  }
  return path.atRoot && equalHashes(hash, rootHash);
}

/**
 * Whether a consistency proof holds (RFC 9162, 2.1.4.2). Two trees of one size are consistent when their roots are
 * the same and the proof is empty. Never throws: returns false for malformed claims, and for every claim about a tree
 * of size 0, of which nothing can be proved.
 */
export function verifyConsistency({ from, to, proof }: ConsistencyClaim): boolean {
  const [first, second] = [toBigInt(from.size), toBigInt(to.size)];
  if (first === undefined || second === undefined || first === 0n || first > second) return false;
  if (first === second) return proof.length === 0 && equalHashes(from.rootHash, to.rootHash);
  if (!areHashes([from.rootHash, to.rootHash, ...proof])) return false;
  // An old tree that is one complete subtree is its own starting point, so the proof leaves it out.
  const isComplete = (first & (first - 1n)) === 0n;
  const [start, ...rest] = isComplete ? [from.rootHash, ...proof] : proof;
  if (start === undefined) return false;
  const roots = foldConsistency(new Path(first - 1n, second - 1n), start, rest);
  return roots !== undefined && equalHashes(roots.from, from.rootHash) && equalHashes(roots.to, to.rootHash);
}

/** Both roots that the proof leads to, or undefined when it is too long or too short for the sizes. */
function foldConsistency(path: Path, start: Uint8Array, proof: readonly Uint8Array[]) {
  path.skipRightChildren();
  let [from, to] = [start, start];
  for (const sibling of proof) {
    if (path.atRoot) return undefined;
    if (path.step() === 'left') [from, to] = [nodeHash(sibling, from), nodeHash(sibling, to)];
    else to = nodeHash(to, sibling);
  }
  return path.atRoot ? { from, to } : undefined;
}
