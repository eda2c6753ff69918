import type { Pool } from '../db/pool.ts';
import { AuditError, badInput } from '../errors.ts';
import type { AuditEvent } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import { readHead } from '../log/head.ts';
import type { Tile } from '../merkle/tile.ts';
import type { EntryBundle } from '../merkle/tile-path.ts';
import { readLatestCheckpoint, type StoredCheckpoint } from './checkpoints.ts';
import { findCosigned, findCosignedBehind } from './cosigned.ts';
import { signCustomer } from './customer-checkpoint.ts';
import type { LogIdentity } from './identity.ts';
import {
  bundleOf,
  type ConsistencyProof,
  findCheckpoint,
  type InclusionProof,
  proveEvent,
  proveGrowth,
} from './prove.ts';
import { readEntries, readTile } from './serve-tiles.ts';
import type { SigningIdentity } from './sign.ts';
import type { Signer } from './signer.ts';
import { originOf, type TreeName } from './trees.ts';

const ATTEMPTS = 5;

/** A checkpoint as it is shown. */
export interface Checkpoint extends StoredCheckpoint {
  /** Its first line. */
  origin: string;
  /** The public key of the log in the note's verifier format. */
  verifierKey: string;
}

/** The checkpoint of a size, or the last one that at least so many witnesses have cosigned. */
export interface WantedCheckpoint {
  treeSize?: number | undefined;
  minWitnesses?: number | undefined;
}

/** The evidence of this log: what is acknowledged can be proved at once. */
export interface Evidence {
  identity: LogIdentity;
  /** The checkpoint of everything acknowledged so far, or the one that is wanted. Throws UNAVAILABLE, NOT_FOUND. */
  checkpoint(tree: TreeName, wanted?: WantedCheckpoint): Promise<Checkpoint>;
  /** Throws BAD_USER_INPUT for a size the tree did not have, UNAVAILABLE while the event is in no checkpoint. */
  inclusionProof(tree: TreeName, event: AuditEvent, treeSize?: number): Promise<InclusionProof>;
  consistencyProof(tree: TreeName, sizes: { from: number; to: number }): Promise<ConsistencyProof>;
  /**
   * A file that proves the event to somebody who has nothing but the log's public key, or who also wants the word of
   * so many witnesses. Throws UNAVAILABLE while they have not cosigned up to it.
   */
  proofBundle(tree: TreeName, event: AuditEvent, minWitnesses?: number): Promise<string>;
  /** The bytes of a tile (C2SP tlog-tiles). Throws NOT_FOUND. */
  tile(tree: TreeName, tile: Tile): Promise<Uint8Array>;
  /** The canonical bytes of the events of a bundle. Throws NOT_FOUND, POSITION_PURGED. */
  entries(tree: TreeName, bundle: EntryBundle, filters: readonly EventFilter[]): Promise<Uint8Array>;
}

/** Puts the evidence together. */
export function createEvidence(pool: Pool, identity: LogIdentity, signer: Signer): Evidence {
  const shown = (tree: TreeName, checkpoint: StoredCheckpoint): Checkpoint => ({
    ...checkpoint,
    origin: originOf(tree, identity.origin),
    verifierKey: identity.verifierKey,
  });

  async function latest(tree: TreeName): Promise<StoredCheckpoint> {
    const { size } = (await readHead(pool)).frontier;
    const known = await readLatestCheckpoint(pool, tree);
    if (known && known.logSize >= size) return known;
    await signer.signNow();
    const signed = tree === 'log' ? await readLatestCheckpoint(pool, tree) : await ofCustomer(tree);
    if (!signed) throw notSigned(signer);
    return signed;
  }

  async function ofCustomer(tree: TreeName): Promise<StoredCheckpoint | undefined> {
    for (let attempt = 0; identity.signers && attempt < ATTEMPTS; attempt += 1) {
      const signed = await signCustomer(pool, identity as SigningIdentity, tree);
      if (signed) return signed;
      await signer.signNow();
    }
    return readLatestCheckpoint(pool, tree);
  }

  async function covering(tree: TreeName, { position }: AuditEvent): Promise<StoredCheckpoint> {
    const known = await readLatestCheckpoint(pool, tree);
    const checkpoint = known && known.logSize > position ? known : await latest(tree);
    if (checkpoint.logSize <= position) throw notSigned(signer);
    return checkpoint;
  }

  async function reach(tree: TreeName, size: number): Promise<void> {
    const known = await readLatestCheckpoint(pool, tree);
    if (!known || known.treeSize < size) await latest(tree);
  }

  function find(tree: TreeName, { treeSize, minWitnesses = 0 }: WantedCheckpoint): Promise<StoredCheckpoint> {
    if (minWitnesses !== 0 && treeSize !== undefined)
      throw badInput('minWitnesses', 'does not go together with treeSize');
    if (minWitnesses !== 0) return findCosigned(pool, tree, minWitnesses);
    return treeSize === undefined ? latest(tree) : findCheckpoint(pool, tree, treeSize);
  }

  function provable(tree: TreeName, event: AuditEvent, minWitnesses: number): Promise<StoredCheckpoint> {
    if (minWitnesses === 0) return covering(tree, event);
    return findCosignedBehind(pool, tree, { position: event.position, minWitnesses });
  }

  return {
    identity,
    checkpoint: async (tree, wanted = {}) => shown(tree, await find(tree, wanted)),
    async inclusionProof(tree, event, treeSize) {
      const checkpoint = await covering(tree, event);
      if (treeSize !== undefined) await reach(tree, treeSize);
      return proveEvent(pool, tree, {
        position: event.position,
        treeSize: treeSize ?? checkpoint.treeSize,
      });
    },
    async consistencyProof(tree, sizes) {
      await reach(tree, sizes.to);
      return proveGrowth(pool, tree, sizes);
    },
    proofBundle: async (tree, event, minWitnesses = 0) =>
      bundleOf(pool, tree, { event, checkpoint: await provable(tree, event, minWitnesses) }),
    tile: (tree, tile) => readTile(pool, tree, tile),
    entries: (tree, bundle, filters) => readEntries(pool, tree, { bundle, filters }),
  };
}

function notSigned(signer: Signer): AuditError {
  return new AuditError(
    'UNAVAILABLE',
    signer.problem()
      ? 'signing has stopped: the stored log is not what was appended; tell the operator'
      : 'the log is not signed up to this event yet: retry',
  );
}
