import { graphql } from './generated/gql.ts';

// Operations that several test files send; what only one file sends stands there.

export const LOG_EVENT = graphql(`
  mutation LogEvent($input: LogEventInput!) {
    logEvent(input: $input) {
      status
      event { id position details }
    }
  }
`);

export const LOG_EVENTS = graphql(`
  mutation LogEvents($input: [LogEventInput!]!) {
    logEvents(input: $input) {
      recorded
      duplicates
      results { status event { position } }
    }
  }
`);

export const COUNT_EVENTS = graphql(`
  query CountEvents($filter: AuditEventFilter) {
    auditEvents(filter: $filter, first: 0) { totalCount }
  }
`);

/** A link to a file of the events. */
export const EXPORT_LINK = graphql(`
  query ExportLink($format: ExportFormat!, $filter: AuditEventFilter) {
    auditExport(format: $format, filter: $filter) { url expiresAt }
  }
`);

export const PURGE_EVENTS = graphql(`
  mutation PurgeEvents($days: Int!) {
    purgeEvents(olderThanDays: $days) { purged }
  }
`);

export const CREATE_KEY = graphql(`
  mutation CreateKey($name: String!, $scopes: [ApiKeyScope!]!, $customerId: String, $expiresAt: DateTime) {
    createApiKey(name: $name, scopes: $scopes, customerId: $customerId, expiresAt: $expiresAt) {
      key { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt }
      secret
    }
  }
`);

/** The hashes of the first thousand events, in order. */
export const LEAF_HASHES = graphql(`
  query LeafHashes {
    auditEvents(orderBy: POSITION_ASC, first: 1000) {
      edges { node { leafHash } }
    }
  }
`);

/** Proof bundles of some events. */
export const BUNDLES = graphql(`
  query Bundles($first: Int!, $offset: Int!) {
    auditEvents(first: $first, offset: $offset) {
      edges { node { proofBundle } }
    }
  }
`);
