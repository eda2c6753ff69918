import DataLoader from 'dataloader';
import type { ExecutionResult } from 'graphql';
import type { MetaAudit } from '../audit/meta-audit.ts';
import type { Reader } from '../auth/gate.ts';
import { visibleTree } from '../auth/gate.ts';
import type { Credential, Principal, RequestContext } from '../auth/principal.ts';
import type { Quota } from '../auth/quota.ts';
import type { FailureLimit, RateLimit } from '../auth/rate-limit.ts';
import type { RequestWork } from '../auth/request-work.ts';
import type { Sessions } from '../auth/sessions.ts';
import type { Pool } from '../db/pool.ts';
import type { Catalog } from '../events/catalog.ts';
import type { AuditEvent } from '../events/fields.ts';
import type { Evidence, TreeView } from '../evidence/evidence.ts';
import type { InclusionProof } from '../evidence/proofs.ts';
import { treeOf } from '../evidence/trees.ts';
import type { Feed } from '../feed/feed.ts';
import type { Pipeline } from '../log/append/record.ts';
import type { OpenExport } from '../log/exports/export.ts';
import { PAGE_SIZE } from '../log/read/keyset.ts';
import type { Purges } from '../log/retention/purge.ts';

/** What resolvers work with: the parts of the service, and who asks. */
export interface Context extends RequestContext {
  services: Services;
  proofs: ProofLoaders;
  /** What was done for the operation so far. */
  work: RequestWork;
  /** Where the results of a subscription go, when the transport does not read them one by one. */
  sender?: ResultSender;
}

/** The parts of the service that the API stands on. */
export interface Services {
  pool: Pool;
  /** The role that owns the tables: for keys alone. */
  owner: Pool;
  /** Where the reads of a principal run. */
  readerOf: (principal: Principal) => Reader;
  /** The same of a principal who is bound to a customer; undefined for others. */
  guardedReaderOf: (principal: Principal) => Reader | undefined;
  catalog: Catalog;
  pipeline: Pipeline;
  purges: Pick<Purges, 'purge'>;
  feed: Feed;
  metaAudit: MetaAudit;
  evidence: Evidence;
  /** Milliseconds since 1970, for what expires: by the database's clock. */
  expiryNow: () => number;
  sessions: Sessions;
  /** Whether a key or token could still open something. */
  isValid: (credential: Credential) => Promise<boolean>;
  rates: RateLimit;
  /** What is done for clients without a valid key. */
  failures: FailureLimit;
  subscriptions: Quota;
  /** Called with the id of a key as soon as it is revoked. */
  onRevoked: (keyId: string) => void;
  openExport: OpenExport;
  /** Seals the links of exports; the same in every instance. */
  exportSecret: Buffer;
  /** Where clients reach this instance: `http://127.0.0.1:4000`. */
  baseUrl: () => string;
}

/** Where the results of a subscription go. */
export interface ResultSender {
  /** A result as it is sent: the same for every sender of a transport. */
  encode(result: ExecutionResult): Buffer;
  /** Sends an encoded result without waiting for it to leave. */
  send(encoded: Buffer): void;
  /** Whether so much waits to leave that the next result should wait too. */
  readonly isBehind: boolean;
  /** Sends an encoded result and resolves when it has left the process. */
  sendAndWait(encoded: Buffer): Promise<void>;
}

/** Proofs for the events of one request: those asked for together are read together. */
export interface ProofLoaders {
  inclusionProof(event: AuditEvent, treeSize: number | undefined): Promise<InclusionProof>;
  proofBundle(event: AuditEvent, minWitnesses: number): Promise<string>;
}

/** The tree that the principal's evidence is of, or that of a customer whom the principal may see. Throws FORBIDDEN. */
export function treeViewOf(
  { principal, services }: Pick<Context, 'principal' | 'services'>,
  customerId?: string,
): TreeView {
  return { tree: treeOf(visibleTree(principal, customerId)), db: services.readerOf(principal) };
}

/** Makes the loaders of a request. Nothing is kept: a subscription's request lasts as long as it does. */
export function createProofLoaders(context: Pick<Context, 'principal' | 'services'>): ProofLoaders {
  return new Loaders(context);
}

const OPTIONS = { cache: false, maxBatchSize: PAGE_SIZE.most };

// Most requests ask for no proof: nothing is made for them.
class Loaders implements ProofLoaders {
  readonly #context: Pick<Context, 'principal' | 'services'>;
  #proofs: Map<number | undefined, DataLoader<AuditEvent, InclusionProof>> | undefined;
  #bundles: Map<number, DataLoader<AuditEvent, string>> | undefined;

  constructor(context: Pick<Context, 'principal' | 'services'>) {
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
