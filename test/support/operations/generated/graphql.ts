/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** Every condition that is given must hold. */
export type AuditEventFilter = {
  action?: string | null | undefined;
  /** The part of a type before the dot: "auth", "data", ... */
  categories?: Array<string> | null | undefined;
  customerId?: string | null | undefined;
  /** Containment: every given key and value is present. */
  details?: Record<string, unknown> | null | undefined;
  /** On timestamp, inclusive. */
  endTime?: string | null | undefined;
  eventTypes?: Array<AuditEventType> | null | undefined;
  /** An address or a CIDR block. */
  ipAddress?: string | null | undefined;
  minSeverity?: AuditSeverity | null | undefined;
  outcomes?: Array<AuditOutcome> | null | undefined;
  requestId?: string | null | undefined;
  resourceId?: string | null | undefined;
  resourceType?: string | null | undefined;
  /** Words in action, description, ids and resource; every word must match. */
  search?: string | null | undefined;
  sessionId?: string | null | undefined;
  severities?: Array<AuditSeverity> | null | undefined;
  /** On timestamp, inclusive. */
  startTime?: string | null | undefined;
  userId?: string | null | undefined;
};

/** What happened. Stored, exported and matched by its dotted name, such as "auth.login_failed". */
export type AuditEventType =
  | 'AUTHZ_PERMISSION_DENIED'
  | 'AUTHZ_PERMISSION_GRANTED'
  | 'AUTHZ_ROLE_ASSIGNED'
  | 'AUTHZ_ROLE_REVOKED'
  | 'AUTH_LOGIN'
  | 'AUTH_LOGIN_FAILED'
  | 'AUTH_LOGOUT'
  | 'AUTH_MFA_DISABLED'
  | 'AUTH_MFA_ENABLED'
  | 'AUTH_MFA_VERIFIED'
  | 'AUTH_PASSWORD_CHANGE'
  | 'AUTH_PASSWORD_RESET'
  | 'AUTH_SESSION_CREATED'
  | 'AUTH_SESSION_REVOKED'
  | 'CONFIG_CHANGED'
  | 'DATA_CREATE'
  | 'DATA_DELETE'
  | 'DATA_EXPORT'
  | 'DATA_IMPORT'
  | 'DATA_READ'
  | 'DATA_UPDATE'
  | 'SECURITY_ALERT'
  | 'SECURITY_IP_BLOCKED'
  | 'SECURITY_RATE_LIMITED'
  | 'SECURITY_THREAT_DETECTED'
  | 'SETTINGS_UPDATED'
  | 'SYSTEM_ERROR'
  | 'SYSTEM_SHUTDOWN'
  | 'SYSTEM_STARTUP';

/** How it ended. */
export type AuditOutcome =
  | 'DENIED'
  | 'ERROR'
  | 'FAILURE'
  | 'SUCCESS';

/** How much it matters, in rising order. */
export type AuditSeverity =
  | 'CRITICAL'
  | 'DEBUG'
  | 'ERROR'
  | 'INFO'
  | 'WARNING';

export type LogEventInput = {
  /** Absent: the dotted type name. */
  action?: string | null | undefined;
  customerId?: string | null | undefined;
  description?: string | null | undefined;
  details?: Record<string, unknown> | null | undefined;
  eventType: AuditEventType;
  /** The same key again returns the first event; with other content it is an error (CONFLICT). */
  idempotencyKey?: string | null | undefined;
  ipAddress?: string | null | undefined;
  newValues?: Record<string, unknown> | null | undefined;
  oldValues?: Record<string, unknown> | null | undefined;
  outcome?: AuditOutcome | null | undefined;
  requestId?: string | null | undefined;
  resourceId?: string | null | undefined;
  resourceType?: string | null | undefined;
  sessionId?: string | null | undefined;
  severity?: AuditSeverity | null | undefined;
  /** When it happened; absent: the time of receipt. */
  timestamp?: string | null | undefined;
  userAgent?: string | null | undefined;
  userId?: string | null | undefined;
};

/** FILTERED: a configured filter declined the event. */
export type LogStatus =
  | 'DUPLICATE'
  | 'FILTERED'
  | 'RECORDED';

export type FollowAlertsSubscriptionVariables = Exact<{
  after?: string | null | undefined;
}>;


export type FollowAlertsSubscription = { securityAlerts: { cursor: string, node: { id: string, position: number, eventType: AuditEventType, severity: AuditSeverity, action: string, leafHash: string } } };

export type ListAlertsQueryVariables = Exact<{ [key: string]: never; }>;


export type ListAlertsQuery = { auditEvents: { edges: Array<{ cursor: string, node: { id: string, position: number, eventType: AuditEventType, severity: AuditSeverity, action: string, leafHash: string } }> } };

export type SummaryOfAllQueryVariables = Exact<{ [key: string]: never; }>;


export type SummaryOfAllQuery = { auditSummary: { totalEvents: number, byType: Array<{ eventType: AuditEventType, count: number }>, byOutcome: Array<{ outcome: AuditOutcome, count: number }>, bySeverity: Array<{ severity: AuditSeverity, count: number }> } };

export type LogKeyedMutationVariables = Exact<{
  input: Array<LogEventInput> | LogEventInput;
}>;


export type LogKeyedMutation = { logEvents: { results: Array<{ status: LogStatus, event: { id: string, position: number } | null }> } };

export type FollowSharedSubscriptionVariables = Exact<{
  after?: string | null | undefined;
  filter?: AuditEventFilter | null | undefined;
}>;


export type FollowSharedSubscription = { auditEvents: { cursor: string, node: { position: number, customerId: string | null, action: string } } };

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