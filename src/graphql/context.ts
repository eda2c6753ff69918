import type { Viewer } from '../access/viewer.ts';
import type { Pool } from '../db/pool.ts';
import type { Catalog } from '../events/catalog.ts';
import type { Feed } from '../feed/feed.ts';
import type { Evidence } from '../integrity/evidence.ts';
import type { Pipeline } from '../pipeline/record.ts';

/** What resolvers work with: the parts of the service, and who asks. */
export interface Context {
  viewer: Viewer;
  services: Services;
}

/** The parts of the service that the API stands on. */
export interface Services {
  pool: Pool;
  catalog: Catalog;
  pipeline: Pipeline;
  feed: Feed;
  evidence: Evidence;
  /** Signs the links of exports; the same in every instance. */
  exportSecret: Buffer;
  /** Where clients reach this instance: `http://127.0.0.1:4000`. */
  baseUrl: () => string;
}
