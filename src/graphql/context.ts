import type { Asker } from '../access/asker.ts';
import type { Failures } from '../access/failures.ts';
import type { Quota } from '../access/quota.ts';
import type { RateLimit } from '../access/rate/rate-limit.ts';
import type { Work } from '../access/rate/work.ts';
import type { Reader } from '../access/reader.ts';
import type { Sessions } from '../access/sessions.ts';
import type { Holder, Viewer } from '../access/viewer.ts';
import type { Pool } from '../db/pool.ts';
import type { Catalog } from '../events/catalog.ts';
import type { OpenExport } from '../exports/export.ts';
import type { Feed } from '../feed/feed.ts';
import type { Evidence } from '../integrity/evidence.ts';
import type { MetaAudit } from '../meta-audit/meta-audit.ts';
import type { Pipeline } from '../pipeline/record.ts';
import type { Purges } from '../retention/purges.ts';
import type { Sink } from './live/sink.ts';
import type { ProofLoaders } from './proof-loaders.ts';

/** What resolvers work with: the parts of the service, and who asks. */
export interface Context extends Asker {
  services: Services;
  proofs: ProofLoaders;
  /** What was done for the operation so far. */
  work: Work;
  /** Where the results of a subscription go, when the transport does not read them one by one. */
  sender?: Sink;
}

/** The parts of the service that the API stands on. */
export interface Services {
  pool: Pool;
  /** The role that owns the tables: for keys alone. */
  owner: Pool;
  /** Where the reads of a viewer run. */
  readerOf: (viewer: Viewer) => Reader;
  /** The same of a viewer who is bound to a customer; undefined for others. */
  guardedReaderOf: (viewer: Viewer) => Reader | undefined;
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
  isValid: (holder: Holder) => Promise<boolean>;
  rates: RateLimit;
  /** What is done for clients without a valid key. */
  failures: Failures;
  subscriptions: Quota;
  /** Called with the id of a key as soon as it is revoked. */
  onRevoked: (keyId: string) => void;
  openExport: OpenExport;
  /** Seals the links of exports; the same in every instance. */
  exportSecret: Buffer;
  /** Where clients reach this instance: `http://127.0.0.1:4000`. */
  baseUrl: () => string;
}
