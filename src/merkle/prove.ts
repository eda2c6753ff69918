import { HASH_BYTES, nodeHash } from './hash.ts';
import { type Frontier, rootOf } from './tree.ts';

/** A complete subtree: it covers the leaves `index * 2^level` up to `(index + 1) * 2^level`, the last left out. */
export interface NodeId {
  /** 0 is a leaf. */
  readonly level: number;
  readonly index: number;
}

/**
 * Reads the hashes of complete subtrees, in the order asked for. It is called once for a whole proof, so that a
 * database or a remote log can answer it in one round trip.
 */
export type ReadNodes = (nodes: readonly NodeId[]) => Promise<readonly Uint8Array[]>;

/** Leaves from `start` (inclusive) to `end` (exclusive). */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** The largest power of two smaller than `width` (width > 1): the k of RFC 6962, section 2.1. */
function splitPoint(width: number): number {
  let k = 1;
  while (k * 2 < width) k *= 2;
  return k;
}

function assertSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('a tree size is 0 to 2^53 - 1');
}

/** The subtrees whose hashes make the inclusion proof: PATH(m, D[n]) of RFC 6962, 2.1.1, from the leaf upwards. */
function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/** The subtrees whose hashes make the consistency proof: PROOF(m, D[n]) of RFC 6962, 2.1.2, from the bottom upwards. */
function consistencyRanges(from: number, to: number): Range[] {
  const ranges: Range[] = [];
  let [start, end] = [0, to];
  while (end !== from) {
    const middle = start + splitPoint(end - start);
    if (from <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // A whole old tree is what the verifier already has the root of.
  if (start > 0) ranges.push({ start, end });
  return ranges.reverse();
}

/**
 * The complete subtrees that make up a range, largest first. The ranges of proofs begin at a multiple of a power of
 * two that is no smaller than they are wide, so each step stays aligned.
 */
function subtrees({ start, end }: Range): NodeId[] {
  const nodes: NodeId[] = [];
  let position = start;
  while (position < end) {
    let [level, width] = [0, 1];
    while (width * 2 <= end - position) [level, width] = [level + 1, width * 2];
    nodes.push({ level, index: position / width });
    position += width;
  }
  return nodes;
}

/** Reads all nodes in one call, and checks that there is one hash per node. */
async function readChecked(read: ReadNodes, nodes: readonly NodeId[]): Promise<readonly Uint8Array[]> {
  const hashes = nodes.length === 0 ? [] : await read(nodes);
  if (hashes.length !== nodes.length || hashes.some((hash) => hash.length !== HASH_BYTES)) {
    throw new RangeError('the reader must give a hash of 32 bytes for each node');
  }
  return hashes;
}

/** The hash of each range: its subtrees folded from the smallest up. */
async function readRanges(ranges: readonly Range[], read: ReadNodes): Promise<Uint8Array[]> {
  const parts = ranges.map(subtrees);
  const hashes = await readChecked(read, parts.flat());
  let next = 0;
  return parts.map(({ length }) => {
    const own = hashes.slice(next, next + length);
    next += length;
    return own.reduceRight((right, left) => nodeHash(left, right));
  });
}

function checkedInclusion(index: number, size: number): Range[] {
  assertSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError('the leaf index must be less than the tree size');
  }
  return inclusionRanges(index, size);
}

function checkedConsistency(from: number, to: number): Range[] {
  assertSize(from);
  assertSize(to);
  if (from === 0 || from > to)
    throw new RangeError('a consistency proof goes from a size above 0 to a later one');
  return consistencyRanges(from, to);
}

/**
 * The inclusion proof of the leaf `index` in the tree of `size` leaves, from the leaf's sibling to the root's child
 * (RFC 6962, 2.1.1; RFC 9162, 2.1.3). Throws a RangeError unless 0 <= index < size <= 2^53 - 1.
 */
export async function proveInclusion(index: number, size: number, read: ReadNodes): Promise<Uint8Array[]> {
  return readRanges(checkedInclusion(index, size), read);
}

/**
 * The proof that the tree of `from` leaves is the beginning of the tree of `to` leaves (RFC 6962, 2.1.2; RFC 9162,
 * 2.1.4); empty when they are one size. Throws a RangeError unless 0 < from <= to <= 2^53 - 1: every tree begins
 * with the empty one, so a proof from size 0 would say nothing.
 */
export async function proveConsistency(from: number, to: number, read: ReadNodes): Promise<Uint8Array[]> {
  return readRanges(checkedConsistency(from, to), read);
}

/** The nodes that `proveInclusion` reads, for callers who want to fetch them beforehand. */
export function inclusionNodes(index: number, size: number): NodeId[] {
  return checkedInclusion(index, size).flatMap(subtrees);
}

/** The nodes that `proveConsistency` reads, for callers who want to fetch them beforehand. */
export function consistencyNodes(from: number, to: number): NodeId[] {
  return checkedConsistency(from, to).flatMap(subtrees);
}

/** The nodes that are the frontier of the tree of `size` leaves. */
export function frontierNodes(size: number): NodeId[] {
  assertSize(size);
  return subtrees({ start: 0, end: size });
}

/** The frontier that the tree had when it was `size` leaves large. */
export async function readFrontier(size: number, read: ReadNodes): Promise<Frontier> {
  return { size, hashes: await readChecked(read, frontierNodes(size)) };
}

/** The root hash that the tree had when it was `size` leaves large. */
export async function readRoot(size: number, read: ReadNodes): Promise<Uint8Array> {
  return rootOf(await readFrontier(size, read));
}
