/* eslint-disable */
import * as types from './graphql.ts';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  subscription FollowAlerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { id position eventType severity action leafHash }\n    }\n  }\n": typeof types.FollowAlertsDocument,
    "\n  query ListAlerts {\n    auditEvents(filter: { minSeverity: WARNING }, orderBy: POSITION_ASC, first: 1000) {\n      edges {\n        cursor\n        node { id position eventType severity action leafHash }\n      }\n    }\n  }\n": typeof types.ListAlertsDocument,
    "\n  query SummaryOfAll {\n    auditSummary(startTime: \"2020-01-01T00:00:00Z\", endTime: \"2100-01-01T00:00:00Z\") {\n      totalEvents\n      byType { eventType count }\n      byOutcome { outcome count }\n      bySeverity { severity count }\n    }\n  }\n": typeof types.SummaryOfAllDocument,
    "\n  mutation LogKeyed($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      results { status event { id position } }\n    }\n  }\n": typeof types.LogKeyedDocument,
    "\n  subscription FollowShared($after: String, $filter: AuditEventFilter) {\n    auditEvents(after: $after, filter: $filter) { cursor node { position customerId action } }\n  }\n": typeof types.FollowSharedDocument,
    "\n  query ExportNdjson {\n    auditExport(format: NDJSON) { url }\n  }\n": typeof types.ExportNdjsonDocument,
    "\n  query LeafHashes {\n    auditEvents(orderBy: POSITION_ASC, first: 1000) {\n      edges { node { leafHash } }\n    }\n  }\n": typeof types.LeafHashesDocument,
    "\n  query Summary {\n    auditSummary {\n      totalEvents\n      bySeverity { count }\n      byType { count }\n      timeline { count }\n    }\n  }\n": typeof types.SummaryDocument,
    "\n  query Page($after: String) {\n    auditEvents(filter: { userId: \"pager\" }, first: 7, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node { action } }\n    }\n  }\n": typeof types.PageDocument,
    "\n  mutation LogEvent($input: LogEventInput!) {\n    logEvent(input: $input) {\n      status\n      event { id position details }\n    }\n  }\n": typeof types.LogEventDocument,
    "\n  mutation LogEvents($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      recorded\n      duplicates\n      results { status event { position } }\n    }\n  }\n": typeof types.LogEventsDocument,
    "\n  query CountEvents($filter: AuditEventFilter) {\n    auditEvents(filter: $filter, first: 0) { totalCount }\n  }\n": typeof types.CountEventsDocument,
    "\n  subscription Alerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { position action }\n    }\n  }\n": typeof types.AlertsDocument,
};
const documents: Documents = {
    "\n  subscription FollowAlerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { id position eventType severity action leafHash }\n    }\n  }\n": types.FollowAlertsDocument,
    "\n  query ListAlerts {\n    auditEvents(filter: { minSeverity: WARNING }, orderBy: POSITION_ASC, first: 1000) {\n      edges {\n        cursor\n        node { id position eventType severity action leafHash }\n      }\n    }\n  }\n": types.ListAlertsDocument,
    "\n  query SummaryOfAll {\n    auditSummary(startTime: \"2020-01-01T00:00:00Z\", endTime: \"2100-01-01T00:00:00Z\") {\n      totalEvents\n      byType { eventType count }\n      byOutcome { outcome count }\n      bySeverity { severity count }\n    }\n  }\n": types.SummaryOfAllDocument,
    "\n  mutation LogKeyed($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      results { status event { id position } }\n    }\n  }\n": types.LogKeyedDocument,
    "\n  subscription FollowShared($after: String, $filter: AuditEventFilter) {\n    auditEvents(after: $after, filter: $filter) { cursor node { position customerId action } }\n  }\n": types.FollowSharedDocument,
    "\n  query ExportNdjson {\n    auditExport(format: NDJSON) { url }\n  }\n": types.ExportNdjsonDocument,
    "\n  query LeafHashes {\n    auditEvents(orderBy: POSITION_ASC, first: 1000) {\n      edges { node { leafHash } }\n    }\n  }\n": types.LeafHashesDocument,
    "\n  query Summary {\n    auditSummary {\n      totalEvents\n      bySeverity { count }\n      byType { count }\n      timeline { count }\n    }\n  }\n": types.SummaryDocument,
    "\n  query Page($after: String) {\n    auditEvents(filter: { userId: \"pager\" }, first: 7, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node { action } }\n    }\n  }\n": types.PageDocument,
    "\n  mutation LogEvent($input: LogEventInput!) {\n    logEvent(input: $input) {\n      status\n      event { id position details }\n    }\n  }\n": types.LogEventDocument,
    "\n  mutation LogEvents($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      recorded\n      duplicates\n      results { status event { position } }\n    }\n  }\n": types.LogEventsDocument,
    "\n  query CountEvents($filter: AuditEventFilter) {\n    auditEvents(filter: $filter, first: 0) { totalCount }\n  }\n": types.CountEventsDocument,
    "\n  subscription Alerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { position action }\n    }\n  }\n": types.AlertsDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription FollowAlerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { id position eventType severity action leafHash }\n    }\n  }\n"): typeof import('./graphql.ts').FollowAlertsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListAlerts {\n    auditEvents(filter: { minSeverity: WARNING }, orderBy: POSITION_ASC, first: 1000) {\n      edges {\n        cursor\n        node { id position eventType severity action leafHash }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').ListAlertsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query SummaryOfAll {\n    auditSummary(startTime: \"2020-01-01T00:00:00Z\", endTime: \"2100-01-01T00:00:00Z\") {\n      totalEvents\n      byType { eventType count }\n      byOutcome { outcome count }\n      bySeverity { severity count }\n    }\n  }\n"): typeof import('./graphql.ts').SummaryOfAllDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation LogKeyed($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      results { status event { id position } }\n    }\n  }\n"): typeof import('./graphql.ts').LogKeyedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription FollowShared($after: String, $filter: AuditEventFilter) {\n    auditEvents(after: $after, filter: $filter) { cursor node { position customerId action } }\n  }\n"): typeof import('./graphql.ts').FollowSharedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ExportNdjson {\n    auditExport(format: NDJSON) { url }\n  }\n"): typeof import('./graphql.ts').ExportNdjsonDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query LeafHashes {\n    auditEvents(orderBy: POSITION_ASC, first: 1000) {\n      edges { node { leafHash } }\n    }\n  }\n"): typeof import('./graphql.ts').LeafHashesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Summary {\n    auditSummary {\n      totalEvents\n      bySeverity { count }\n      byType { count }\n      timeline { count }\n    }\n  }\n"): typeof import('./graphql.ts').SummaryDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Page($after: String) {\n    auditEvents(filter: { userId: \"pager\" }, first: 7, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node { action } }\n    }\n  }\n"): typeof import('./graphql.ts').PageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation LogEvent($input: LogEventInput!) {\n    logEvent(input: $input) {\n      status\n      event { id position details }\n    }\n  }\n"): typeof import('./graphql.ts').LogEventDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation LogEvents($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      recorded\n      duplicates\n      results { status event { position } }\n    }\n  }\n"): typeof import('./graphql.ts').LogEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CountEvents($filter: AuditEventFilter) {\n    auditEvents(filter: $filter, first: 0) { totalCount }\n  }\n"): typeof import('./graphql.ts').CountEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Alerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { position action }\n    }\n  }\n"): typeof import('./graphql.ts').AlertsDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
