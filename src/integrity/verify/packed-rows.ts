import { HASH_BYTES } from '../../merkle/hash.ts';
import type { CheckedRow } from './row.ts';

/** Checked rows as one thread hands them to another: the hashes in two pieces, the rest where there is any. */
export interface PackedRows {
  positions: Float64Array<ArrayBuffer>;
  /** Of those that have one; zeros in the others' place. */
  leaves: Uint8Array<ArrayBuffer>;
  storedLeaves: Uint8Array<ArrayBuffer>;
  customerIds: (string | undefined)[];
  /** By the place of the row: those without a leaf, with a stored hash of another length, or with a fault. */
  odd: Map<number, { hasLeaf: boolean; storedLeaf: Uint8Array; fault: string | undefined }>;
}

/** Packs rows. */
export function packRows(rows: readonly CheckedRow[]): PackedRows {
  const packed: PackedRows = {
    positions: Float64Array.from(rows, ({ position }) => position),
    leaves: new Uint8Array(rows.length * HASH_BYTES),
    storedLeaves: new Uint8Array(rows.length * HASH_BYTES),
    customerIds: rows.map(({ customerId }) => customerId),
    odd: new Map(),
  };
  for (const [at, { leaf, storedLeaf, fault }] of rows.entries()) {
    if (leaf) packed.leaves.set(leaf, at * HASH_BYTES);
    const isWhole = storedLeaf.length === HASH_BYTES;
    if (isWhole) packed.storedLeaves.set(storedLeaf, at * HASH_BYTES);
    if (!leaf || !isWhole || fault !== undefined)
      packed.odd.set(at, { hasLeaf: leaf !== undefined, storedLeaf: Uint8Array.from(storedLeaf), fault });
  }
  return packed;
}

/** The rows again. */
export function unpackRows({ positions, leaves, storedLeaves, customerIds, odd }: PackedRows): CheckedRow[] {
  return Array.from(positions, (position, at) => {
    const known = odd.get(at);
    const own = (hashes: Uint8Array) => hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    return {
      position,
      leaf: known && !known.hasLeaf ? undefined : own(leaves),
      storedLeaf: known ? known.storedLeaf : own(storedLeaves),
      customerId: customerIds[at],
      fault: known?.fault,
    };
  });
}
