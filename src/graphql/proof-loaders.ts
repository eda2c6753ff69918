import DataLoader from 'dataloader';
import { visibleTree } from '../access/viewer.ts';
import type { AuditEvent } from '../events/event.ts';
import type { TreeView } from '../integrity/evidence.ts';
import type { InclusionProof } from '../integrity/prove.ts';
import { treeOf } from '../integrity/trees.ts';
import type { Context } from './context.ts';

/** Proofs for the events of one request: those asked for together are read together. */
export interface ProofLoaders {
  inclusionProof(event: AuditEvent, treeSize: number | undefined): Promise<InclusionProof>;
  proofBundle(event: AuditEvent, minWitnesses: number): Promise<string>;
}

/** The tree that the viewer's evidence is of, or that of a customer whom the viewer may see. Throws FORBIDDEN. */
export function treeViewOf(
  { viewer, services }: Pick<Context, 'viewer' | 'services'>,
  customerId?: string,
): TreeView {
  return { tree: treeOf(visibleTree(viewer, customerId)), db: services.readerOf(viewer) };
}

/** Makes the loaders of a request. Nothing is kept: a subscription's request lasts as long as it does. */
export function createProofLoaders(context: Pick<Context, 'viewer' | 'services'>): ProofLoaders {
  return new Loaders(context);
}

const OPTIONS = { cache: false, maxBatchSize: 1_000 };

// Most requests ask for no proof: nothing is made for them.
class Loaders implements ProofLoaders {
  readonly #context: Pick<Context, 'viewer' | 'services'>;
  #proofs: Map<number | undefined, DataLoader<AuditEvent, InclusionProof>> | undefined;
  #bundles: Map<number, DataLoader<AuditEvent, string>> | undefined;

  constructor(context: Pick<Context, 'viewer' | 'services'>) {
    this.#context = context;
  }

  inclusionProof(event: AuditEvent, treeSize: number | undefined): Promise<InclusionProof> {
    const { evidence } = this.#context.services;
    this.#proofs ??= new Map();
    const make = () =>
      new DataLoader<AuditEvent, InclusionProof>(
        (events) => evidence.inclusionProofs(treeViewOf(this.#context), events, treeSize),
        OPTIONS,
      );
    return loaderOf(this.#proofs, treeSize, make).load(event);
  }

  proofBundle(event: AuditEvent, minWitnesses: number): Promise<string> {
    const { evidence } = this.#context.services;
    this.#bundles ??= new Map();
    const make = () =>
      new DataLoader<AuditEvent, string>(
        (events) => evidence.proofBundles(treeViewOf(this.#context), events, minWitnesses),
        OPTIONS,
      );
    return loaderOf(this.#bundles, minWitnesses, make).load(event);
  }
}

function loaderOf<Key, Loader>(loaders: Map<Key, Loader>, key: Key, make: () => Loader): Loader {
  const loader = loaders.get(key) ?? make();
  loaders.set(key, loader);
  return loader;
}
