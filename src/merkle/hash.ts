import { sha256Portable } from './sha256-portable.ts';

/** Bytes in a hash. */
export const HASH_BYTES = 32;

const LEAF_PREFIX = 0;
const NODE_PREFIX = 1;

// One buffer for all inputs that fit: allocating one for each would halve the rate of hashing.
const scratch = new Uint8Array(16_384);

/**
 * Leaf hash: SHA-256(0x00 || bytes), the MTH({d}) of RFC 6962 and RFC 9162, section 2.1.1.
 * The prefix makes a leaf hash differ from every node hash.
 */
export function leafHash(bytes: Uint8Array): Uint8Array {
  const length = bytes.length + 1;
  const input = length <= scratch.length ? scratch.subarray(0, length) : new Uint8Array(length);
  input[0] = LEAF_PREFIX;
  input.set(bytes, 1);
  return sha256(input);
}

const nodeInput = scratch.subarray(0, 1 + 2 * HASH_BYTES);

/**
 * Hash of an inner node: SHA-256(0x01 || left || right), RFC 6962 and RFC 9162, section 2.1.1.
 * `left` and `right` are hashes of 32 bytes; anything else throws a RangeError.
 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new RangeError('a hash has 32 bytes');
  nodeInput[0] = NODE_PREFIX;
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return sha256(nodeInput);
}

/** Root of the tree without leaves: SHA-256(), the MTH({}) of RFC 6962 and RFC 9162, section 2.1.1. A new array. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array(0));
}

/** Whether two hashes are the same bytes. Not constant-time: hashes of the tree are no secrets. */
export function equalHashes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

type Sha256 = (data: Uint8Array) => Uint8Array;

/**
 * node:crypto where there is one, else undefined. Asked for at run time, not imported, so that the same files load
 * in a browser with or without a bundler.
 */
function nodeSha256(): Sha256 | undefined {
  const node = globalThis.process?.getBuiltinModule?.('node:crypto');
  // By way of hex text: it takes half the time of a digest buffer, and less garbage collection.
  return node?.hash && ((data) => Buffer.from(node.hash('sha256', data, 'hex'), 'hex'));
}

/** SHA-256 of `data` in 32 bytes, synchronous: node:crypto in Node, plain JavaScript in a browser. */
export const sha256: Sha256 = nodeSha256() ?? sha256Portable;
