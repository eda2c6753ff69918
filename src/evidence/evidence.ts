import type { Pool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import type { Reads } from '../db/queries.ts';
import { AuditError, badInput } from '../errors.ts';
import type { AuditEvent } from '../events/fields.ts';
import type { EventFilter } from '../events/filter.ts';
import { readSize } from '../log/head.ts';
import { readPositions } from '../log/read/events.ts';
import type { Tile } from '../merkle/tile.ts';
import type { EntryBundle } from '../merkle/tile-files.ts';
import { readLatestCheckpoint, type StoredCheckpoint } from './checkpoints.ts';
import {
  type ConsistencyProof,
  findCheckpoint,
  findCosignedCheckpoint,
  type InclusionProof,
  proofBundleOf,
  proveEvents,
  proveTreeConsistency,
} from './proofs.ts';
import { readEntries, readTile } from './serve-tiles.ts';
import { type SigningIdentity, signCustomerCheckpoint } from './sign-checkpoints.ts';
import type { Signer } from './signer.ts';
import type { LogIdentity } from './signing-identity.ts';
import { originOf, type TreeName } from './tree-names.ts';

const ATTEMPTS = 5;

/** A checkpoint with the name and the key of its log. */
export interface SignedCheckpoint extends StoredCheckpoint {
  /** The first line of the note. */
  origin: string;
  /** The log's public key in the verifier format of C2SP signed-note. */
  verifierKey: string;
}

/** Which checkpoint: that of a tree size, or the last one that at least `minWitnesses` witnesses have cosigned. */
export interface CheckpointQuery {
  treeSize?: number | undefined;
  minWitnesses?: number | undefined;
}

/** A tree, and the database client for its reads. */
export interface TreeView {
  tree: TreeName;
  db: Reads;
}

/** Checkpoints, proofs and tiles of this log. An acknowledged event can be proved at once. */
export interface Evidence {
  identity: LogIdentity;
  /** The log's own tree, for principals that may read the whole log. */
  logView: TreeView;
  /** A checkpoint that covers everything acknowledged so far, or the one in the query. Throws UNAVAILABLE, NOT_FOUND. */
  checkpoint(view: TreeView, wanted?: CheckpointQuery): Promise<SignedCheckpoint>;
  /**
   * The inclusion proof of each event in the tree of `treeSize` leaves, by default that of the last checkpoint. An event
   * that no checkpoint covers yet gets an UNAVAILABLE error. Throws BAD_USER_INPUT for a size that the tree never had.
   */
  inclusionProofs(
    view: TreeView,
    events: readonly AuditEvent[],
    treeSize?: number,
  ): Promise<(InclusionProof | AuditError)[]>;
  consistencyProof(view: TreeView, sizes: { from: number; to: number }): Promise<ConsistencyProof>;
  /**
   * For each event a proof bundle, which anybody with the log's public key can verify, by a checkpoint that at least
   * `minWitnesses` witnesses have cosigned. An event that such a checkpoint does not cover gets an UNAVAILABLE error.
   */
  proofBundles(
    view: TreeView,
    events: readonly AuditEvent[],
    minWitnesses?: number,
  ): Promise<(string | AuditError)[]>;
  /** The proof bundle of the newest announcement of a purge. Throws NOT_FOUND when there was no purge. */
  announcement(): Promise<string>;
  /** The bytes of a tile (C2SP tlog-tiles). Throws NOT_FOUND. */
  tile(view: TreeView, tile: Tile): Promise<Uint8Array>;
  /** The canonical bytes of the events of a bundle. Throws NOT_FOUND, POSITION_PURGED. */
  entries(view: TreeView, bundle: EntryBundle, filters: readonly EventFilter[]): Promise<Uint8Array>;
}

/** Creates the evidence of a log. */
export function createEvidence(pool: Pool, identity: LogIdentity, signer: Signer): Evidence {
  return new StoredEvidence(pool, identity, signer);
}

class StoredEvidence implements Evidence {
  readonly identity: LogIdentity;
  readonly logView: TreeView;
  readonly #pool: Pool;
  readonly #signer: Signer;

  constructor(pool: Pool, identity: LogIdentity, signer: Signer) {
    this.identity = identity;
    this.logView = { tree: 'log', db: prismaOn(pool) };
    this.#pool = pool;
    this.#signer = signer;
  }

  async checkpoint(view: TreeView, wanted: CheckpointQuery = {}): Promise<SignedCheckpoint> {
    return {
      ...(await this.#findCheckpoint(view, wanted)),
      origin: originOf(view.tree, this.identity.origin),
      verifierKey: this.identity.verifierKey,
    };
  }

  async inclusionProofs(
    view: TreeView,
    events: readonly AuditEvent[],
    treeSize?: number,
  ): Promise<(InclusionProof | AuditError)[]> {
    const checkpoint = await this.#checkpointOver(view, events);
    if (treeSize !== undefined) await this.#signUpTo(view, treeSize);
    return prove(view, events, { checkpoint, treeSize, notCovered: () => notSigned(this.#signer) });
  }

  async consistencyProof(view: TreeView, sizes: { from: number; to: number }): Promise<ConsistencyProof> {
    await this.#signUpTo(view, sizes.to);
    return proveTreeConsistency(view.db, view.tree, sizes);
  }

  async proofBundles(
    view: TreeView,
    events: readonly AuditEvent[],
    minWitnesses = 0,
  ): Promise<(string | AuditError)[]> {
    const checkpoint =
      minWitnesses === 0
        ? await this.#checkpointOver(view, events)
        : await findCosignedCheckpoint(this.#pool, view.tree, minWitnesses);
    const notCovered = () => (minWitnesses === 0 ? notSigned(this.#signer) : notCosigned());
    const proofs = await prove(view, events, { checkpoint, treeSize: undefined, notCovered });
    return proofs.map((proof, index) =>
      proof instanceof AuditError ? proof : proofBundleOf(events[index] as AuditEvent, proof, checkpoint),
    );
  }

  async announcement(): Promise<string> {
    const event = await readAnnouncement(this.#pool);
    if (!event) throw new AuditError('NOT_FOUND', 'nothing was ever removed from this log');
    const [bundle] = await this.proofBundles(this.logView, [event]);
    if (bundle instanceof AuditError) throw bundle;
    return bundle as string;
  }

  tile({ db, tree }: TreeView, tile: Tile): Promise<Uint8Array> {
    return readTile(db, tree, tile);
  }

  entries({ db, tree }: TreeView, bundle: EntryBundle, filters: readonly EventFilter[]): Promise<Uint8Array> {
    return readEntries(db, tree, { bundle, filters });
  }

  async #findCheckpoint(
    view: TreeView,
    { treeSize, minWitnesses = 0 }: CheckpointQuery,
  ): Promise<StoredCheckpoint> {
    if (minWitnesses !== 0 && treeSize !== undefined)
      throw badInput('minWitnesses', 'does not go together with treeSize');
    if (minWitnesses !== 0) return findCosignedCheckpoint(this.#pool, view.tree, minWitnesses);
    return treeSize === undefined
      ? this.#currentCheckpoint(view)
      : findCheckpoint(view.db, view.tree, treeSize);
  }

  /** The latest checkpoint. It is signed now when it does not cover the whole log. */
  async #currentCheckpoint({ tree, db }: TreeView): Promise<StoredCheckpoint> {
    const size = await readSize(this.#pool);
    const known = await readLatestCheckpoint(db, tree);
    if (known && known.logSize >= size) return known;
    await this.#signer.signNow();
    if (tree !== 'log') await this.#signCustomerTree(tree);
    const signed = await readLatestCheckpoint(db, tree);
    if (!signed) throw notSigned(this.#signer);
    return signed;
  }

  async #signCustomerTree(tree: TreeName): Promise<void> {
    for (let attempt = 0; this.identity.signers && attempt < ATTEMPTS; attempt += 1) {
      if (await signCustomerCheckpoint(this.#pool, this.identity as SigningIdentity, tree)) return;
      await this.#signer.signNow();
    }
  }

  /** The latest checkpoint. It is signed now when it does not cover all the events. */
  async #checkpointOver(view: TreeView, events: readonly AuditEvent[]): Promise<StoredCheckpoint> {
    const last = lastPosition(events);
    const known = await readLatestCheckpoint(view.db, view.tree);
    return known && known.logSize > last ? known : this.#currentCheckpoint(view);
  }

  /** Signs a checkpoint unless one covers a tree of this size. */
  async #signUpTo(view: TreeView, treeSize: number): Promise<void> {
    const known = await readLatestCheckpoint(view.db, view.tree);
    if (!known || known.treeSize < treeSize) await this.#currentCheckpoint(view);
  }
}

/** The newest event that announces a purge. */
async function readAnnouncement(pool: Pool): Promise<AuditEvent | undefined> {
  const head = await prismaOn(pool).logHead.findFirst({ select: { announcedAt: true } });
  if (typeof head?.announcedAt !== 'bigint') return undefined;
  const position = Number(head.announcedAt);
  return (await readPositions(prismaOn(pool), [position])).get(position);
}

interface ProofRequest {
  /** Proves the events that it covers; the others get the error of `notCovered`. */
  checkpoint: StoredCheckpoint;
  /** The size of the tree to prove inclusion in, when it is not that of the checkpoint. */
  treeSize: number | undefined;
  notCovered: () => AuditError;
}

async function prove(
  { db, tree }: TreeView,
  events: readonly AuditEvent[],
  { checkpoint, treeSize = checkpoint.treeSize, notCovered }: ProofRequest,
): Promise<(InclusionProof | AuditError)[]> {
  const isCovered = ({ position }: AuditEvent) => position < checkpoint.logSize;
  const positions = events.filter(isCovered).map(({ position }) => position);
  const proofs = positions.length === 0 ? [] : await proveEvents(db, tree, { positions, treeSize });
  const next = proofs.values();
  return events.map((event) =>
    isCovered(event) ? (next.next().value as InclusionProof | AuditError) : notCovered(),
  );
}

function lastPosition(events: readonly AuditEvent[]): number {
  return events.reduce((most, { position }) => Math.max(most, position), 0);
}

function notCosigned(): AuditError {
  return new AuditError('UNAVAILABLE', 'so many witnesses have not cosigned up to this event yet: retry');
}

function notSigned(signer: Signer): AuditError {
  return new AuditError(
    'UNAVAILABLE',
    signer.problem()
      ? 'signing has stopped: the stored log is not what was appended; tell the operator'
      : 'the log is not signed up to this event yet: retry',
  );
}
