import DataLoader from 'dataloader';
import type { ExecutionResult } from 'graphql';
import type { MetaAudit } from '../audit/meta-audit.ts';
import { type Reader, visibleTree } from '../auth/gate.ts';
import type { Credential, Principal, RequestContext } from '../auth/principal-and-scopes.ts';
import type { Quota } from '../auth/quota.ts';
import type { FailureLimit, RateLimit } from '../auth/rate-limit.ts';
import type { RequestWork } from '../auth/request-work.ts';
import type { Sessions } from '../auth/sessions.ts';
import type { Pool } from '../db/pool.ts';
import type { Catalog } from '../events/catalog.ts';
import type { AuditEvent } from '../events/fields.ts';
import type { Evidence, TreeView } from '../evidence/evidence.ts';
import type { InclusionProof } from '../evidence/proofs.ts';
import { treeOf } from '../evidence/tree-names.ts';
import type { Feed } from '../feed/feed.ts';
import type { Pipeline } from '../log/append/record.ts';
import type { OpenExport } from '../log/exports/export.ts';
import { PAGE_SIZE } from '../log/read/pages.ts';
import type { Purges } from '../log/retention/purge.ts';
import type { RollupScopes } from '../log/summary/rollup-query.ts';

/** The context of resolvers: the principal and the parts of the service. */
export interface Context extends RequestContext {
  services: Services;
  proofs: ProofLoaders;
  /** The work done for the operation so far. */
  work: RequestWork;
  /** Sends the results of a subscription, when the transport does not read them one by one. */
  sender?: ResultSender;
}

/** The parts of the service that the API uses. */
export interface Services {
  pool: Pool;
  /** The role that owns the tables. Used for keys only. */
  owner: Pool;
  /** The reader for a principal's queries. */
  readerOf: (principal: Principal) => Reader;
  rollupScopes: RollupScopes;
  /** The reader of a principal that is bound to a customer; undefined for others. */
  guardedReaderOf: (principal: Principal) => Reader | undefined;
  catalog: Catalog;
  pipeline: Pipeline;
  purges: Pick<Purges, 'purge'>;
  feed: Feed;
  metaAudit: MetaAudit;
  evidence: Evidence;
  /** The time by the database's clock, in milliseconds since 1970, for everything that expires. */
  expiryNow: () => number;
  sessions: Sessions;
  /** Whether a key or token is still valid. */
  isValid: (credential: Credential) => Promise<boolean>;
  rates: RateLimit;
  /** Limits the work for clients without a valid key. */
  failures: FailureLimit;
  subscriptions: Quota;
  /** Called with the id of a key as soon as it is revoked. */
  onRevoked: (keyId: string) => void;
  openExport: OpenExport;
  /** Encrypts the links of exports. The same in every instance. */
  exportSecret: Buffer;
  /** The URL at which clients reach this instance: `http://127.0.0.1:4000`. */
  baseUrl: () => string;
}

/** Sends the results of a subscription to its client. */
export interface ResultSender {
  /** Encodes a result. The encoding is the same for every sender of a transport. */
  encode(result: ExecutionResult): Buffer;
  /** Sends an encoded result without waiting. */
  send(encoded: Buffer): void;
  /** Whether the client reads too slowly: the next result should wait until it has left the process. */
  readonly isBehind: boolean;
  /** Sends an encoded result and resolves when it has left the process. */
  sendAndWait(encoded: Buffer): Promise<void>;
}

/** Proofs for the events of one request, read in batches. */
export interface ProofLoaders {
  inclusionProof(event: AuditEvent, treeSize: number | undefined): Promise<InclusionProof>;
  proofBundle(event: AuditEvent, minWitnesses: number): Promise<string>;
}

/** The tree of the principal's evidence, or that of a customer that the principal may see. Throws FORBIDDEN. */
export function treeViewOf(
  { principal, services }: Pick<Context, 'principal' | 'services'>,
  customerId?: string,
): TreeView {
  return { tree: treeOf(visibleTree(principal, customerId)), db: services.readerOf(principal) };
}

/** Creates the loaders of a request. They cache nothing: the request of a subscription lasts as long as the subscription. */
export function createProofLoaders(context: Pick<Context, 'principal' | 'services'>): ProofLoaders {
  return new Loaders(context);
}

const OPTIONS = { cache: false, maxBatchSize: PAGE_SIZE.most };

// The maps are created late, since most requests ask for no proof.
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
