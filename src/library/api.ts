import { createSchema } from '../schema/schema.ts';
import { createHostCheck, createOrigins } from '../server/hosts-and-origins.ts';
import { createPersistedDocuments, loadPersistedDocuments } from '../server/persisted-documents.ts';
import { createPeerOf } from '../server/request.ts';
import type { ApiServerOptions } from '../server/server.ts';
import type { OpenLog } from './open.ts';

/**
 * The options of an API server, from an open log and its settings. `host` is the address that the server listens on: it
 * decides which `Host` headers are accepted without `ALLOWED_HOSTS`. Throws when the file of persisted documents is invalid.
 */
export async function createApi(open: OpenLog, host: string): Promise<ApiServerOptions> {
  const { config, services, authenticate, health, log, refused } = open;
  const schema = createSchema(services.catalog);
  const persisted =
    config.PERSISTED_DOCUMENTS && (await loadPersistedDocuments(config.PERSISTED_DOCUMENTS, schema));
  if (config.PERSISTED_ONLY && !persisted)
    log.warn(
      'PERSISTED_ONLY is true and PERSISTED_DOCUMENTS is not set: every GraphQL operation is refused; set it to a file of ' +
        'documents, or PERSISTED_ONLY to false',
    );
  return {
    schema,
    services,
    authenticate,
    peerOf: createPeerOf(config.TRUSTED_PROXIES),
    documents: createPersistedDocuments(persisted || new Map(), config.PERSISTED_ONLY),
    maxCost: config.MAX_QUERY_COST,
    hasIntrospection: config.INTROSPECTION,
    maxBodyBytes: config.MAX_BODY_BYTES,
    keepAliveMs: config.KEEP_ALIVE_MS,
    stopIdleMs: config.STOP_IDLE_MS,
    stopDelayMs: config.STOP_DELAY_MS,
    publicEvidence: config.PUBLIC_EVIDENCE,
    origins: createOrigins(config.CORS_ORIGINS),
    maxRequests: config.MAX_REQUESTS,
    maxUnsentBytes: config.MAX_UNSENT_BYTES,
    maxConnections: config.MAX_CONNECTIONS,
    headersTimeoutMs: config.HEADERS_TIMEOUT_MS,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    hasGraphiql: config.GRAPHIQL,
    problems: health.problems,
    isHost: createHostCheck(host, config.ALLOWED_HOSTS),
    onRefused: (error) => refused.abort(error),
    log,
  };
}
