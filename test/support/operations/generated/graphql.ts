/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Every condition that is given must hold; null is none. An empty list matches nothing, an empty text those events whose value is empty. */
export type AuditEventFilter = {
  /** This action, exactly. */
  action?: string | null | undefined;
  /** One of these categories: the part of a type before the dot, such as "auth" or "data". */
  categories?: Array<string> | null | undefined;
  /** This customerId, exactly. */
  customerId?: string | null | undefined;
  /** Containment: every given key and value is present. An empty object is in every event. */
  details?: Record<string, unknown> | null | undefined;
  /** On timestamp, inclusive. */
  endTime?: string | null | undefined;
  /** One of these types. */
  eventTypes?: Array<AuditEventType> | null | undefined;
  /** An address or a CIDR block, in any spelling. An IPv4-mapped address (::ffff:192.0.2.1) is its IPv4 address; otherwise IPv4 and IPv6 never match each other. */
  ipAddress?: string | null | undefined;
  /** This severity or a higher one. */
  minSeverity?: AuditSeverity | null | undefined;
  /** Containment, likewise; an event without newValues never matches. It has no index: give a period or search too. */
  newValues?: Record<string, unknown> | null | undefined;
  /** Containment, likewise; an event without oldValues never matches. It has no index: give a period or search too. */
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

/** An event to record. What cannot be kept as it is, is refused with its path. */
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
  /** Makes a retry safe: the same key again, however late, returns the first event and records nothing; with other content it is an error (CONFLICT). Up to 256 characters. */
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

/** What became of an event. */
export type LogStatus =
  /** Its idempotency key was used before: the first event is returned. */
  | 'DUPLICATE'
  /** A filter of the deployment declined it: nothing was recorded. */
  | 'FILTERED'
  /** It is in the log: durable, searchable, counted, provable and on the feed. */
  | 'RECORDED';

export type PagesQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type PagesQuery = { auditEvents: { edges: Array<{ cursor: string, node: { id: string, position: number } }>, pageInfo: { hasNextPage: boolean, endCursor: string | null } } };

export type FollowAlertsSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type FollowAlertsSubscription = { securityAlerts: { cursor: string, node: { id: string, position: number, eventType: AuditEventType, severity: AuditSeverity, action: string, leafHash: string } } };

export type ListAlertsQueryVariables = Exact<{ [key: string]: never; }>;


export type ListAlertsQuery = { auditEvents: { edges: Array<{ cursor: string, node: { id: string, position: number, eventType: AuditEventType, severity: AuditSeverity, action: string, leafHash: string } }> } };

export type SummaryOfAllQueryVariables = Exact<{ [key: string]: never; }>;


export type SummaryOfAllQuery = { auditSummary: { totalEvents: number, byType: Array<{ eventType: AuditEventType, count: number }>, byOutcome: Array<{ outcome: AuditOutcome, count: number }>, bySeverity: Array<{ severity: AuditSeverity, count: number }> } };

export type WrittenSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type WrittenSubscription = { auditEvents: { cursor: string, node: { position: number, requestId: string | null } } };

export type LogKeyedMutationVariables = Exact<{
  input: Array<LogEventInput> | LogEventInput;
}>;


export type LogKeyedMutation = { logEvents: { results: Array<{ status: LogStatus, event: { id: string, position: number } | null }> } };

export type FollowSharedSubscriptionVariables = Exact<{
  after?: string | null | undefined;
  filter?: AuditEventFilter | null | undefined;
}>;


export type FollowSharedSubscription = { auditEvents: { cursor: string, node: { position: number, customerId: string | null, action: string } } };

export type SilentSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type SilentSubscription = { securityAlerts: { node: { action: string } } };

export type ExportNdjsonQueryVariables = Exact<{ [key: string]: never; }>;


export type ExportNdjsonQuery = { auditExport: { url: string } };

export type LeafHashesQueryVariables = Exact<{ [key: string]: never; }>;


export type LeafHashesQuery = { auditEvents: { edges: Array<{ node: { leafHash: string } }> } };

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
export const SilentDocument = new TypedDocumentString(`
    subscription Silent {
  securityAlerts {
    node {
      action
    }
  }
}
    `) as unknown as TypedDocumentString<SilentSubscription, SilentSubscriptionVariables>;
export const ExportNdjsonDocument = new TypedDocumentString(`
    query ExportNdjson {
  auditExport(format: NDJSON) {
    url
  }
}
    `) as unknown as TypedDocumentString<ExportNdjsonQuery, ExportNdjsonQueryVariables>;
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