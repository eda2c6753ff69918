/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** What a key may do. */
export type ApiKeyScope =
  /** May do everything, including keys and purges. */
  | 'ADMIN'
  /** May export events. */
  | 'EVENTS_EXPORT'
  /** May read, summarise and follow events, and ask for proofs. */
  | 'EVENTS_READ'
  /** May record events. */
  | 'EVENTS_WRITE';

/** All given conditions must hold; null is no condition. An empty list matches no event. An empty text matches the events with an empty value. */
export type AuditEventFilter = {
  /** This action, exactly. */
  action?: string | null | undefined;
  /** One of these categories: the part of a type before the dot, such as "auth" or "data". */
  categories?: Array<string> | null | undefined;
  /** This customerId, exactly. */
  customerId?: string | null | undefined;
  /** Containment: the event has every given key and value. An empty object matches every event. */
  details?: Record<string, unknown> | null | undefined;
  /** On timestamp, inclusive. */
  endTime?: string | null | undefined;
  /** One of these types. */
  eventTypes?: Array<AuditEventType> | null | undefined;
  /** An address or a CIDR block, in any spelling. An IPv4-mapped address (::ffff:192.0.2.1) is its IPv4 address; otherwise IPv4 and IPv6 never match each other. */
  ipAddress?: string | null | undefined;
  /** This severity or a higher one. */
  minSeverity?: AuditSeverity | null | undefined;
  /** Containment, as in details. An event without newValues never matches. There is no index: add a period or search. */
  newValues?: Record<string, unknown> | null | undefined;
  /** Containment, as in details. An event without oldValues never matches. There is no index: add a period or search. */
  oldValues?: Record<string, unknown> | null | undefined;
  /** One of these outcomes. */
  outcomes?: Array<AuditOutcome> | null | undefined;
  /** This requestId, exactly. */
  requestId?: string | null | undefined;
  /** This resourceId, exactly. */
  resourceId?: string | null | undefined;
  /** This resourceType, exactly. */
  resourceType?: string | null | undefined;
  /** Terms between blanks, each of which must be found in one of userId, customerId, resourceType, resourceId, action, description, sessionId, userAgent, requestId, oldValues, newValues; in an object, its names and values are searched. A term of several words ("10.0.0.1", "anna@bert.example") and "words in quotes" match in their order, side by side; exam* matches the beginning of a word (three characters or more); -word leaves out the events that the term finds. Case makes no difference. Scripts without blanks are found by parts. A text without letters and digits, or with terms to leave out alone, is refused. */
  search?: string | null | undefined;
  /** This sessionId, exactly. */
  sessionId?: string | null | undefined;
  /** One of these severities. */
  severities?: Array<AuditSeverity> | null | undefined;
  /** On timestamp, inclusive; not later than endTime. */
  startTime?: string | null | undefined;
  /** This userId, exactly. */
  userId?: string | null | undefined;
};

/** What happened. Stored, exported and matched by its dotted name, such as "auth.login_failed". */
export type AuditEventType =
  /** An action was refused for lack of a permission. */
  | 'AUTHZ_PERMISSION_DENIED'
  /** A permission was given. */
  | 'AUTHZ_PERMISSION_GRANTED'
  /** A role was given. */
  | 'AUTHZ_ROLE_ASSIGNED'
  /** A role was taken away. */
  | 'AUTHZ_ROLE_REVOKED'
  /** Somebody signed in. */
  | 'AUTH_LOGIN'
  /** A sign-in was refused. */
  | 'AUTH_LOGIN_FAILED'
  /** Somebody signed out. */
  | 'AUTH_LOGOUT'
  /** A second factor was removed. */
  | 'AUTH_MFA_DISABLED'
  /** A second factor was added. */
  | 'AUTH_MFA_ENABLED'
  /** A second factor was presented and accepted. */
  | 'AUTH_MFA_VERIFIED'
  /** A user changed the own password. */
  | 'AUTH_PASSWORD_CHANGE'
  /** A password was reset. */
  | 'AUTH_PASSWORD_RESET'
  /** A session began. */
  | 'AUTH_SESSION_CREATED'
  /** A session was ended by somebody else or by a rule. */
  | 'AUTH_SESSION_REVOKED'
  /** The configuration of a system was changed. */
  | 'CONFIG_CHANGED'
  /** Data was created. */
  | 'DATA_CREATE'
  /** Data was deleted. */
  | 'DATA_DELETE'
  /** Data was exported. */
  | 'DATA_EXPORT'
  /** Data was imported. */
  | 'DATA_IMPORT'
  /** Data was read. */
  | 'DATA_READ'
  /** Data was changed. */
  | 'DATA_UPDATE'
  /** Something suspicious was reported. */
  | 'SECURITY_ALERT'
  /** An address was blocked. */
  | 'SECURITY_IP_BLOCKED'
  /** A client exceeded its rate limit. */
  | 'SECURITY_RATE_LIMITED'
  /** A threat was detected. */
  | 'SECURITY_THREAT_DETECTED'
  /** The settings of a user or an account were changed. */
  | 'SETTINGS_UPDATED'
  /** A system failed. */
  | 'SYSTEM_ERROR'
  /** A service stopped. */
  | 'SYSTEM_SHUTDOWN'
  /** A service started. */
  | 'SYSTEM_STARTUP';

/** How it ended. */
export type AuditOutcome =
  /** It was not allowed. */
  | 'DENIED'
  /** It ended in an error of the system. */
  | 'ERROR'
  /** It was tried and did not succeed, such as a wrong password. */
  | 'FAILURE'
  /** It was done. */
  | 'SUCCESS';

/** How much it matters, in rising order. */
export type AuditSeverity =
  /** Needs somebody now. */
  | 'CRITICAL'
  /** Of interest to developers only. */
  | 'DEBUG'
  /** Something failed that should not. */
  | 'ERROR'
  /** Ordinary activity. */
  | 'INFO'
  /** Worth a look. */
  | 'WARNING';

/** The format of an export. */
export type ExportFormat =
  /** For spreadsheets (RFC 4180), with a header line. */
  | 'CSV'
  /** One array of canonical events. */
  | 'JSON'
  /** One canonical event per line, as `audit-log verify export` checks it. */
  | 'NDJSON';

/** An event to record. A value that cannot be stored unchanged is refused with its path. */
export type LogEventInput = {
  /** What was done, in the words of the application; absent: the dotted name of the event type. Up to 256 characters. */
  action?: string | null | undefined;
  /** The customer (tenant) on whose data or on whose behalf. Up to 256 characters. */
  customerId?: string | null | undefined;
  /** What happened, for people. Up to 2000 characters. */
  description?: string | null | undefined;
  /** Anything else, as a JSON object. Up to 32 levels and 10000 values; the whole event takes up to 65535 bytes. */
  details?: Record<string, unknown> | null | undefined;
  /** What happened. */
  eventType: AuditEventType;
  /** Makes a retry safe: the same key again for the same customer (or again for none), however late, returns the first event and records nothing; with other content it is an error (CONFLICT). Up to 256 characters. */
  idempotencyKey?: string | null | undefined;
  /** From which address: IPv4 or IPv6, in canonical form; an IPv4-mapped address (::ffff:192.0.2.1) is recorded as IPv4. */
  ipAddress?: string | null | undefined;
  /** The values after a change. Up to 32 levels and 10000 values; the whole event takes up to 65535 bytes. */
  newValues?: Record<string, unknown> | null | undefined;
  /** The values before a change. Up to 32 levels and 10000 values; the whole event takes up to 65535 bytes. */
  oldValues?: Record<string, unknown> | null | undefined;
  /** How it ended. */
  outcome?: AuditOutcome | null | undefined;
  /** The request that caused it, to find it in other logs. Up to 256 characters. */
  requestId?: string | null | undefined;
  /** The resource that was acted on. Up to 1024 characters. */
  resourceId?: string | null | undefined;
  /** The kind of resource that was acted on, such as "invoice". Up to 256 characters. */
  resourceType?: string | null | undefined;
  /** The session in which it happened. Up to 256 characters. */
  sessionId?: string | null | undefined;
  /** How much it matters. */
  severity?: AuditSeverity | null | undefined;
  /** When it happened, by the clock of the application; absent: the time of receipt. */
  timestamp?: string | null | undefined;
  /** With which program, as its User-Agent says. Up to 2000 characters. */
  userAgent?: string | null | undefined;
  /** Who acted. Up to 256 characters. */
  userId?: string | null | undefined;
};

/** The result of recording an event. */
export type LogStatus =
  /** Its idempotency key was used before: the first event is returned. */
  | 'DUPLICATE'
  /** A filter of the deployment declined it: nothing was recorded. */
  | 'FILTERED'
  /** It is in the log: durable, searchable, counted, provable and on the feed. */
  | 'RECORDED';

/** The length of a point of a timeline. */
export type TimeBucket =
  /** A day, from midnight of the time zone. */
  | 'DAY'
  /** An hour. */
  | 'HOUR'
  /** A minute. */
  | 'MINUTE';

export type TwoQueryVariables = Exact<{ [key: string]: never; }>;


export type TwoQuery = { auditEvents: { edges: Array<{ node: { id: string } }> } };

export type EventsAboutKeyQueryVariables = Exact<{
  id: string;
}>;


export type EventsAboutKeyQuery = { auditEvents: { edges: Array<{ node: { eventType: AuditEventType, severity: AuditSeverity, action: string, description: string, userId: string | null, ipAddress: string | null, customerId: string | null, details: Record<string, unknown> } }> } };

export type ListKeysQueryVariables = Exact<{ [key: string]: never; }>;


export type ListKeysQuery = { apiKeys: Array<{ id: string, name: string, scopes: Array<ApiKeyScope>, customerId: string | null, createdAt: string, expiresAt: string | null, revokedAt: string | null, lastUsedAt: string | null }> };

export type CustomersQueryVariables = Exact<{ [key: string]: never; }>;


export type CustomersQuery = { auditEvents: { edges: Array<{ node: { customerId: string | null } }> } };

export type NoteQueryVariables = Exact<{
  customerId?: string | null | undefined;
}>;


export type NoteQuery = { checkpoint: { note: string, verifierKey: string } };

export type SeventhQueryVariables = Exact<{ [key: string]: never; }>;


export type SeventhQuery = { auditEvents: { edges: Array<{ node: { id: string } }> } };

export type PagesQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type PagesQuery = { auditEvents: { edges: Array<{ cursor: string, node: { id: string, position: number } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type OldestEventsQueryVariables = Exact<{
  filter?: AuditEventFilter | null | undefined;
}>;


export type OldestEventsQuery = { auditEvents: { totalCount: number, edges: Array<{ cursor: string, node: { position: number, customerId: string | null } }> } };

export type FollowOldLogSubscriptionVariables = Exact<{
  after: string;
}>;


export type FollowOldLogSubscription = { auditEvents: { node: { position: number, action: string } } };

export type PurgeOldLogMutationVariables = Exact<{ [key: string]: never; }>;


export type PurgeOldLogMutation = { purgeEvents: { purged: number } };

export type FollowAlertsSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type FollowAlertsSubscription = { securityAlerts: { cursor: string, node: { id: string, position: number, eventType: AuditEventType, severity: AuditSeverity, action: string, leafHash: string } } };

export type ListAlertsQueryVariables = Exact<{ [key: string]: never; }>;


export type ListAlertsQuery = { auditEvents: { edges: Array<{ cursor: string, node: { id: string, position: number, eventType: AuditEventType, severity: AuditSeverity, action: string, leafHash: string } }> } };

export type SummaryOfAllQueryVariables = Exact<{ [key: string]: never; }>;


export type SummaryOfAllQuery = { auditSummary: { totalEvents: number, byType: Array<{ eventType: AuditEventType, count: number }>, byOutcome: Array<{ outcome: AuditOutcome, count: number }>, bySeverity: Array<{ severity: AuditSeverity, count: number }> } };

export type AddressesQueryVariables = Exact<{ [key: string]: never; }>;


export type AddressesQuery = { auditEvents: { edges: Array<{ node: { ipAddress: string | null } }> } };

export type ReadRedactedQueryVariables = Exact<{
  filter?: AuditEventFilter | null | undefined;
}>;


export type ReadRedactedQuery = { auditEvents: { edges: Array<{ node: { userId: string | null, sessionId: string | null, ipAddress: string | null, details: Record<string, unknown> } }> } };

export type TopUsersQueryVariables = Exact<{
  filter?: AuditEventFilter | null | undefined;
}>;


export type TopUsersQuery = { auditSummary: { totalEvents: number, topUsers: Array<{ value: string }> } };

export type AlteredQueryVariables = Exact<{ [key: string]: never; }>;


export type AlteredQuery = { auditEvents: { edges: Array<{ node: { description: string } }> } };

export type ShowCheckpointQueryVariables = Exact<{ [key: string]: never; }>;


export type ShowCheckpointQuery = { checkpoint: { origin: string, treeSize: number, logSize: number, rootHash: string, note: string, verifierKey: string } };

export type ListProofsQueryVariables = Exact<{ [key: string]: never; }>;


export type ListProofsQuery = { auditEvents: { edges: Array<{ node: { position: number, customerId: string | null, leafHash: string, inclusionProof: { leafIndex: number, treeSize: number, hashes: Array<string> } } }> } };

export type ConsistencyQueryVariables = Exact<{
  from: number;
  to: number;
}>;


export type ConsistencyQuery = { consistencyProof: { hashes: Array<string> } };

export type CosignedQueryVariables = Exact<{ [key: string]: never; }>;


export type CosignedQuery = { checkpoint: { treeSize: number, note: string }, auditEvents: { edges: Array<{ node: { proofBundle: string } }> } };

export type WrittenSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type WrittenSubscription = { auditEvents: { cursor: string, node: { position: number, requestId: string | null } } };

export type CountedQueryVariables = Exact<{ [key: string]: never; }>;


export type CountedQuery = { auditSummary: { totalEvents: number }, auditEvents: { totalCount: number } };

export type SilentSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type SilentSubscription = { securityAlerts: { node: { action: string } } };

export type LogKeyedMutationVariables = Exact<{
  input: Array<LogEventInput> | LogEventInput;
}>;


export type LogKeyedMutation = { logEvents: { results: Array<{ status: LogStatus, event: { id: string, position: number } | null }> } };

export type FollowSharedSubscriptionVariables = Exact<{
  after?: string | null | undefined;
  filter?: AuditEventFilter | null | undefined;
}>;


export type FollowSharedSubscription = { auditEvents: { cursor: string, node: { position: number, customerId: string | null, action: string } } };

export type LogAtMutationVariables = Exact<{
  timestamp?: string | null | undefined;
}>;


export type LogAtMutation = { logEvent: { event: { timestamp: string } | null } };

export type LinkAndCountQueryVariables = Exact<{ [key: string]: never; }>;


export type LinkAndCountQuery = { auditExport: { url: string }, auditEvents: { totalCount: number } };

export type LogOneKeyedMutationVariables = Exact<{
  key?: string | null | undefined;
  action: string;
}>;


export type LogOneKeyedMutation = { logEvent: { status: LogStatus, event: { position: number } | null } };

export type InputsQueryVariables = Exact<{ [key: string]: never; }>;


export type InputsQuery = { __schema: { types: Array<{ name: string | null, inputFields: Array<{ name: string }> | null }>, mutationType: { fields: Array<{ name: string, args: Array<{ type: { name: string | null, ofType: { name: string | null, ofType: { name: string | null, ofType: { name: string | null } | null } | null } | null } }> }> | null } | null } };

export type LinkWithOptionsQueryVariables = Exact<{
  format: ExportFormat;
  filter?: AuditEventFilter | null | undefined;
  delimiter?: string | null | undefined;
  byteOrderMark?: boolean | null | undefined;
}>;


export type LinkWithOptionsQuery = { auditExport: { url: string, expiresAt: string } };

export type FindPositionsQueryVariables = Exact<{
  search?: string | null | undefined;
}>;


export type FindPositionsQuery = { auditEvents: { edges: Array<{ node: { position: number } }> } };

export type ListAndCountQueryVariables = Exact<{
  after?: string | null | undefined;
  first?: number | null | undefined;
}>;


export type ListAndCountQuery = { auditEvents: { totalCount: number, edges: Array<{ cursor: string, node: { position: number, action: string, userId: string | null, ipAddress: string | null, details: Record<string, unknown> } }> } };

export type NineQueryVariables = Exact<{ [key: string]: never; }>;


export type NineQuery = { auditEvents: { edges: Array<{ cursor: string, node: { id: string } }> } };

export type TimelineQueryVariables = Exact<{
  from: string;
  to: string;
  zone?: string | null | undefined;
  bucket: TimeBucket;
}>;


export type TimelineQuery = { auditSummary: { timeline: Array<{ start: string, count: number }> } };

export type SignedQueryVariables = Exact<{ [key: string]: never; }>;


export type SignedQuery = { checkpoint: { origin: string, note: string, verifierKey: string } };

export type ProvedQueryVariables = Exact<{ [key: string]: never; }>;


export type ProvedQuery = { checkpoint: { origin: string, verifierKey: string }, auditEvents: { edges: Array<{ node: { proofBundle: string } }> } };

export type FieldsOfEventQueryVariables = Exact<{ [key: string]: never; }>;


export type FieldsOfEventQuery = { __type: { fields: Array<{ name: string }> | null } | null };

export type SeenFromQueryVariables = Exact<{
  id: string;
}>;


export type SeenFromQuery = { auditEvents: { edges: Array<{ node: { ipAddress: string | null, userAgent: string | null } }> } };

export type SummaryQueryVariables = Exact<{ [key: string]: never; }>;


export type SummaryQuery = { auditSummary: { totalEvents: number, bySeverity: Array<{ count: number }>, byType: Array<{ count: number }>, timeline: Array<{ count: number }> } };

export type PageQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type PageQuery = { auditEvents: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { action: string } }> } };

export type LogEventMutationVariables = Exact<{
  input: LogEventInput;
}>;


export type LogEventMutation = { logEvent: { status: LogStatus, event: { id: string, position: number, details: Record<string, unknown> } | null } };

export type LogEventsMutationVariables = Exact<{
  input: Array<LogEventInput> | LogEventInput;
}>;


export type LogEventsMutation = { logEvents: { recorded: number, duplicates: number, results: Array<{ status: LogStatus, event: { position: number } | null }> } };

export type CountEventsQueryVariables = Exact<{
  filter?: AuditEventFilter | null | undefined;
}>;


export type CountEventsQuery = { auditEvents: { totalCount: number } };

export type ExportLinkQueryVariables = Exact<{
  format: ExportFormat;
  filter?: AuditEventFilter | null | undefined;
}>;


export type ExportLinkQuery = { auditExport: { url: string, expiresAt: string } };

export type PurgeEventsMutationVariables = Exact<{
  days: number;
}>;


export type PurgeEventsMutation = { purgeEvents: { purged: number } };

export type CreateKeyMutationVariables = Exact<{
  name: string;
  scopes: Array<ApiKeyScope> | ApiKeyScope;
  customerId?: string | null | undefined;
  expiresAt?: string | null | undefined;
}>;


export type CreateKeyMutation = { createApiKey: { secret: string, key: { id: string, name: string, scopes: Array<ApiKeyScope>, customerId: string | null, createdAt: string, expiresAt: string | null, revokedAt: string | null, lastUsedAt: string | null } } };

export type LeafHashesQueryVariables = Exact<{ [key: string]: never; }>;


export type LeafHashesQuery = { auditEvents: { edges: Array<{ node: { leafHash: string } }> } };

export type BundlesQueryVariables = Exact<{
  first: number;
  offset: number;
}>;


export type BundlesQuery = { auditEvents: { edges: Array<{ node: { proofBundle: string } }> } };

export type AlertsSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type AlertsSubscription = { securityAlerts: { cursor: string, node: { position: number, action: string } } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const TwoDocument = new TypedDocumentString(`
    query Two {
  auditEvents(first: 2) {
    edges {
      node {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TwoQuery, TwoQueryVariables>;
export const EventsAboutKeyDocument = new TypedDocumentString(`
    query EventsAboutKey($id: String!) {
  auditEvents(
    filter: {resourceType: "audit_log.api_key", resourceId: $id}
    orderBy: POSITION_ASC
  ) {
    edges {
      node {
        eventType
        severity
        action
        description
        userId
        ipAddress
        customerId
        details
      }
    }
  }
}
    `) as unknown as TypedDocumentString<EventsAboutKeyQuery, EventsAboutKeyQueryVariables>;
export const ListKeysDocument = new TypedDocumentString(`
    query ListKeys {
  apiKeys {
    id
    name
    scopes
    customerId
    createdAt
    expiresAt
    revokedAt
    lastUsedAt
  }
}
    `) as unknown as TypedDocumentString<ListKeysQuery, ListKeysQueryVariables>;
export const CustomersDocument = new TypedDocumentString(`
    query Customers {
  auditEvents {
    edges {
      node {
        customerId
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CustomersQuery, CustomersQueryVariables>;
export const NoteDocument = new TypedDocumentString(`
    query Note($customerId: String) {
  checkpoint(customerId: $customerId) {
    note
    verifierKey
  }
}
    `) as unknown as TypedDocumentString<NoteQuery, NoteQueryVariables>;
export const SeventhDocument = new TypedDocumentString(`
    query Seventh {
  auditEvents(filter: {action: "a7"}, first: 1) {
    edges {
      node {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SeventhQuery, SeventhQueryVariables>;
export const PagesDocument = new TypedDocumentString(`
    query Pages($after: String) {
  auditEvents(
    first: 10
    after: $after
    orderBy: POSITION_ASC
    filter: {minSeverity: WARNING}
  ) {
    edges {
      cursor
      node {
        id
        position
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    `) as unknown as TypedDocumentString<PagesQuery, PagesQueryVariables>;
export const OldestEventsDocument = new TypedDocumentString(`
    query OldestEvents($filter: AuditEventFilter) {
  auditEvents(first: 5, orderBy: POSITION_ASC, filter: $filter) {
    totalCount
    edges {
      cursor
      node {
        position
        customerId
      }
    }
  }
}
    `) as unknown as TypedDocumentString<OldestEventsQuery, OldestEventsQueryVariables>;
export const FollowOldLogDocument = new TypedDocumentString(`
    subscription FollowOldLog($after: String!) {
  auditEvents(after: $after) {
    node {
      position
      action
    }
  }
}
    `) as unknown as TypedDocumentString<FollowOldLogSubscription, FollowOldLogSubscriptionVariables>;
export const PurgeOldLogDocument = new TypedDocumentString(`
    mutation PurgeOldLog {
  purgeEvents(olderThanDays: 0) {
    purged
  }
}
    `) as unknown as TypedDocumentString<PurgeOldLogMutation, PurgeOldLogMutationVariables>;
export const FollowAlertsDocument = new TypedDocumentString(`
    subscription FollowAlerts($after: String) {
  securityAlerts(after: $after) {
    cursor
    node {
      id
      position
      eventType
      severity
      action
      leafHash
    }
  }
}
    `) as unknown as TypedDocumentString<FollowAlertsSubscription, FollowAlertsSubscriptionVariables>;
export const ListAlertsDocument = new TypedDocumentString(`
    query ListAlerts {
  auditEvents(filter: {minSeverity: WARNING}, orderBy: POSITION_ASC, first: 1000) {
    edges {
      cursor
      node {
        id
        position
        eventType
        severity
        action
        leafHash
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ListAlertsQuery, ListAlertsQueryVariables>;
export const SummaryOfAllDocument = new TypedDocumentString(`
    query SummaryOfAll {
  auditSummary(startTime: "2020-01-01T00:00:00Z", endTime: "2100-01-01T00:00:00Z") {
    totalEvents
    byType {
      eventType
      count
    }
    byOutcome {
      outcome
      count
    }
    bySeverity {
      severity
      count
    }
  }
}
    `) as unknown as TypedDocumentString<SummaryOfAllQuery, SummaryOfAllQueryVariables>;
export const AddressesDocument = new TypedDocumentString(`
    query Addresses {
  auditEvents(orderBy: POSITION_ASC) {
    edges {
      node {
        ipAddress
      }
    }
  }
}
    `) as unknown as TypedDocumentString<AddressesQuery, AddressesQueryVariables>;
export const ReadRedactedDocument = new TypedDocumentString(`
    query ReadRedacted($filter: AuditEventFilter) {
  auditEvents(filter: $filter) {
    edges {
      node {
        userId
        sessionId
        ipAddress
        details
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ReadRedactedQuery, ReadRedactedQueryVariables>;
export const TopUsersDocument = new TypedDocumentString(`
    query TopUsers($filter: AuditEventFilter) {
  auditSummary(filter: $filter) {
    totalEvents
    topUsers {
      value
    }
  }
}
    `) as unknown as TypedDocumentString<TopUsersQuery, TopUsersQueryVariables>;
export const AlteredDocument = new TypedDocumentString(`
    query Altered {
  auditEvents(filter: {action: "log.altered"}) {
    edges {
      node {
        description
      }
    }
  }
}
    `) as unknown as TypedDocumentString<AlteredQuery, AlteredQueryVariables>;
export const ShowCheckpointDocument = new TypedDocumentString(`
    query ShowCheckpoint {
  checkpoint {
    origin
    treeSize
    logSize
    rootHash
    note
    verifierKey
  }
}
    `) as unknown as TypedDocumentString<ShowCheckpointQuery, ShowCheckpointQueryVariables>;
export const ListProofsDocument = new TypedDocumentString(`
    query ListProofs {
  auditEvents(first: 1000, orderBy: POSITION_ASC) {
    edges {
      node {
        position
        customerId
        leafHash
        inclusionProof {
          leafIndex
          treeSize
          hashes
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ListProofsQuery, ListProofsQueryVariables>;
export const ConsistencyDocument = new TypedDocumentString(`
    query Consistency($from: SafeInt!, $to: SafeInt!) {
  consistencyProof(from: $from, to: $to) {
    hashes
  }
}
    `) as unknown as TypedDocumentString<ConsistencyQuery, ConsistencyQueryVariables>;
export const CosignedDocument = new TypedDocumentString(`
    query Cosigned {
  checkpoint(minWitnesses: 1) {
    treeSize
    note
  }
  auditEvents(first: 1) {
    edges {
      node {
        proofBundle(minWitnesses: 1)
      }
    }
  }
}
    `) as unknown as TypedDocumentString<CosignedQuery, CosignedQueryVariables>;
export const WrittenDocument = new TypedDocumentString(`
    subscription Written($after: String) {
  auditEvents(after: $after, filter: {action: "fault.write"}) {
    cursor
    node {
      position
      requestId
    }
  }
}
    `) as unknown as TypedDocumentString<WrittenSubscription, WrittenSubscriptionVariables>;
export const CountedDocument = new TypedDocumentString(`
    query Counted {
  auditSummary(startTime: "2000-01-01T00:00:00Z", endTime: "2100-01-01T00:00:00Z") {
    totalEvents
  }
  auditEvents(first: 0) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<CountedQuery, CountedQueryVariables>;
export const SilentDocument = new TypedDocumentString(`
    subscription Silent {
  securityAlerts {
    node {
      action
    }
  }
}
    `) as unknown as TypedDocumentString<SilentSubscription, SilentSubscriptionVariables>;
export const LogKeyedDocument = new TypedDocumentString(`
    mutation LogKeyed($input: [LogEventInput!]!) {
  logEvents(input: $input) {
    results {
      status
      event {
        id
        position
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LogKeyedMutation, LogKeyedMutationVariables>;
export const FollowSharedDocument = new TypedDocumentString(`
    subscription FollowShared($after: String, $filter: AuditEventFilter) {
  auditEvents(after: $after, filter: $filter) {
    cursor
    node {
      position
      customerId
      action
    }
  }
}
    `) as unknown as TypedDocumentString<FollowSharedSubscription, FollowSharedSubscriptionVariables>;
export const LogAtDocument = new TypedDocumentString(`
    mutation LogAt($timestamp: DateTime) {
  logEvent(input: {eventType: DATA_READ, timestamp: $timestamp}) {
    event {
      timestamp
    }
  }
}
    `) as unknown as TypedDocumentString<LogAtMutation, LogAtMutationVariables>;
export const LinkAndCountDocument = new TypedDocumentString(`
    query LinkAndCount {
  auditExport(format: NDJSON) {
    url
  }
  auditEvents {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<LinkAndCountQuery, LinkAndCountQueryVariables>;
export const LogOneKeyedDocument = new TypedDocumentString(`
    mutation LogOneKeyed($key: String, $action: String!) {
  logEvent(
    input: {eventType: DATA_READ, action: $action, description: "d", idempotencyKey: $key}
  ) {
    status
    event {
      position
    }
  }
}
    `) as unknown as TypedDocumentString<LogOneKeyedMutation, LogOneKeyedMutationVariables>;
export const InputsDocument = new TypedDocumentString(`
    query Inputs {
  __schema {
    types {
      name
      inputFields {
        name
      }
    }
    mutationType {
      fields {
        name
        args {
          type {
            name
            ofType {
              name
              ofType {
                name
                ofType {
                  name
                }
              }
            }
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<InputsQuery, InputsQueryVariables>;
export const LinkWithOptionsDocument = new TypedDocumentString(`
    query LinkWithOptions($format: ExportFormat!, $filter: AuditEventFilter, $delimiter: String, $byteOrderMark: Boolean) {
  auditExport(
    format: $format
    filter: $filter
    delimiter: $delimiter
    byteOrderMark: $byteOrderMark
  ) {
    url
    expiresAt
  }
}
    `) as unknown as TypedDocumentString<LinkWithOptionsQuery, LinkWithOptionsQueryVariables>;
export const FindPositionsDocument = new TypedDocumentString(`
    query FindPositions($search: String) {
  auditEvents(filter: {search: $search}, orderBy: POSITION_ASC) {
    edges {
      node {
        position
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FindPositionsQuery, FindPositionsQueryVariables>;
export const ListAndCountDocument = new TypedDocumentString(`
    query ListAndCount($after: String, $first: Int = 1000) {
  auditEvents(orderBy: POSITION_ASC, after: $after, first: $first) {
    totalCount
    edges {
      cursor
      node {
        position
        action
        userId
        ipAddress
        details
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ListAndCountQuery, ListAndCountQueryVariables>;
export const NineDocument = new TypedDocumentString(`
    query Nine {
  auditEvents(orderBy: POSITION_ASC, first: 9) {
    edges {
      cursor
      node {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<NineQuery, NineQueryVariables>;
export const TimelineDocument = new TypedDocumentString(`
    query Timeline($from: DateTime!, $to: DateTime!, $zone: String, $bucket: TimeBucket!) {
  auditSummary(startTime: $from, endTime: $to, filter: {resourceType: "clock"}) {
    timeline(bucket: $bucket, timeZone: $zone) {
      start
      count
    }
  }
}
    `) as unknown as TypedDocumentString<TimelineQuery, TimelineQueryVariables>;
export const SignedDocument = new TypedDocumentString(`
    query Signed {
  checkpoint {
    origin
    note
    verifierKey
  }
}
    `) as unknown as TypedDocumentString<SignedQuery, SignedQueryVariables>;
export const ProvedDocument = new TypedDocumentString(`
    query Proved {
  checkpoint {
    origin
    verifierKey
  }
  auditEvents(first: 1000) {
    edges {
      node {
        proofBundle
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ProvedQuery, ProvedQueryVariables>;
export const FieldsOfEventDocument = new TypedDocumentString(`
    query FieldsOfEvent {
  __type(name: "AuditEvent") {
    fields {
      name
    }
  }
}
    `) as unknown as TypedDocumentString<FieldsOfEventQuery, FieldsOfEventQueryVariables>;
export const SeenFromDocument = new TypedDocumentString(`
    query SeenFrom($id: String!) {
  auditEvents(filter: {resourceId: $id}) {
    edges {
      node {
        ipAddress
        userAgent
      }
    }
  }
}
    `) as unknown as TypedDocumentString<SeenFromQuery, SeenFromQueryVariables>;
export const SummaryDocument = new TypedDocumentString(`
    query Summary {
  auditSummary {
    totalEvents
    bySeverity {
      count
    }
    byType {
      count
    }
    timeline {
      count
    }
  }
}
    `) as unknown as TypedDocumentString<SummaryQuery, SummaryQueryVariables>;
export const PageDocument = new TypedDocumentString(`
    query Page($after: String) {
  auditEvents(filter: {userId: "pager"}, first: 7, after: $after) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        action
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PageQuery, PageQueryVariables>;
export const LogEventDocument = new TypedDocumentString(`
    mutation LogEvent($input: LogEventInput!) {
  logEvent(input: $input) {
    status
    event {
      id
      position
      details
    }
  }
}
    `) as unknown as TypedDocumentString<LogEventMutation, LogEventMutationVariables>;
export const LogEventsDocument = new TypedDocumentString(`
    mutation LogEvents($input: [LogEventInput!]!) {
  logEvents(input: $input) {
    recorded
    duplicates
    results {
      status
      event {
        position
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LogEventsMutation, LogEventsMutationVariables>;
export const CountEventsDocument = new TypedDocumentString(`
    query CountEvents($filter: AuditEventFilter) {
  auditEvents(filter: $filter, first: 0) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<CountEventsQuery, CountEventsQueryVariables>;
export const ExportLinkDocument = new TypedDocumentString(`
    query ExportLink($format: ExportFormat!, $filter: AuditEventFilter) {
  auditExport(format: $format, filter: $filter) {
    url
    expiresAt
  }
}
    `) as unknown as TypedDocumentString<ExportLinkQuery, ExportLinkQueryVariables>;
export const PurgeEventsDocument = new TypedDocumentString(`
    mutation PurgeEvents($days: Int!) {
  purgeEvents(olderThanDays: $days) {
    purged
  }
}
    `) as unknown as TypedDocumentString<PurgeEventsMutation, PurgeEventsMutationVariables>;
export const CreateKeyDocument = new TypedDocumentString(`
    mutation CreateKey($name: String!, $scopes: [ApiKeyScope!]!, $customerId: String, $expiresAt: DateTime) {
  createApiKey(
    name: $name
    scopes: $scopes
    customerId: $customerId
    expiresAt: $expiresAt
  ) {
    key {
      id
      name
      scopes
      customerId
      createdAt
      expiresAt
      revokedAt
      lastUsedAt
    }
    secret
  }
}
    `) as unknown as TypedDocumentString<CreateKeyMutation, CreateKeyMutationVariables>;
export const LeafHashesDocument = new TypedDocumentString(`
    query LeafHashes {
  auditEvents(orderBy: POSITION_ASC, first: 1000) {
    edges {
      node {
        leafHash
      }
    }
  }
}
    `) as unknown as TypedDocumentString<LeafHashesQuery, LeafHashesQueryVariables>;
export const BundlesDocument = new TypedDocumentString(`
    query Bundles($first: Int!, $offset: Int!) {
  auditEvents(first: $first, offset: $offset) {
    edges {
      node {
        proofBundle
      }
    }
  }
}
    `) as unknown as TypedDocumentString<BundlesQuery, BundlesQueryVariables>;
export const AlertsDocument = new TypedDocumentString(`
    subscription Alerts($after: String) {
  securityAlerts(after: $after) {
    cursor
    node {
      position
      action
    }
  }
}
    `) as unknown as TypedDocumentString<AlertsSubscription, AlertsSubscriptionVariables>;