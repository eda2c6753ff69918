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
    "\n  query Two {\n    auditEvents(first: 2) {\n      edges { node { id } }\n    }\n  }\n": typeof types.TwoDocument,
    "\n  query EventsAboutKey($id: String!) {\n    auditEvents(filter: { resourceType: \"audit_log.api_key\", resourceId: $id }, orderBy: POSITION_ASC) {\n      edges { node { eventType severity action description userId ipAddress customerId details } }\n    }\n  }\n": typeof types.EventsAboutKeyDocument,
    "\n  query ListKeys {\n    apiKeys { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt }\n  }\n": typeof types.ListKeysDocument,
    "\n  query Customers {\n    auditEvents {\n      edges { node { customerId } }\n    }\n  }\n": typeof types.CustomersDocument,
    "\n  query Note($customerId: String) {\n    checkpoint(customerId: $customerId) { note verifierKey }\n  }\n": typeof types.NoteDocument,
    "\n  query Seventh {\n    auditEvents(filter: { action: \"a7\" }, first: 1) {\n      edges { node { id } }\n    }\n  }\n": typeof types.SeventhDocument,
    "query Pages($after: String) {\n      auditEvents(first: 10, after: $after, orderBy: POSITION_ASC, filter: { minSeverity: WARNING }) {\n        edges { cursor node { id position } }\n        pageInfo { hasNextPage endCursor }\n      }\n    }": typeof types.PagesDocument,
    "\n  query OldestEvents($filter: AuditEventFilter) {\n    auditEvents(first: 5, orderBy: POSITION_ASC, filter: $filter) {\n      totalCount\n      edges { cursor node { position customerId } }\n    }\n  }\n": typeof types.OldestEventsDocument,
    "\n  subscription FollowOldLog($after: String!) {\n    auditEvents(after: $after) { node { position action } }\n  }\n": typeof types.FollowOldLogDocument,
    "\n  mutation PurgeOldLog {\n    purgeEvents(olderThanDays: 0) { purged }\n  }\n": typeof types.PurgeOldLogDocument,
    "\n  subscription FollowAlerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { id position eventType severity action leafHash }\n    }\n  }\n": typeof types.FollowAlertsDocument,
    "\n  query ListAlerts {\n    auditEvents(filter: { minSeverity: WARNING }, orderBy: POSITION_ASC, first: 1000) {\n      edges {\n        cursor\n        node { id position eventType severity action leafHash }\n      }\n    }\n  }\n": typeof types.ListAlertsDocument,
    "\n  query SummaryOfAll {\n    auditSummary(startTime: \"2020-01-01T00:00:00Z\", endTime: \"2100-01-01T00:00:00Z\") {\n      totalEvents\n      byType { eventType count }\n      byOutcome { outcome count }\n      bySeverity { severity count }\n    }\n  }\n": typeof types.SummaryOfAllDocument,
    "\n  query Addresses {\n    auditEvents(orderBy: POSITION_ASC) {\n      edges { node { ipAddress } }\n    }\n  }\n": typeof types.AddressesDocument,
    "\n  query ReadRedacted($filter: AuditEventFilter) {\n    auditEvents(filter: $filter) {\n      edges { node { userId sessionId ipAddress details } }\n    }\n  }\n": typeof types.ReadRedactedDocument,
    "\n  query TopUsers($filter: AuditEventFilter) {\n    auditSummary(filter: $filter) { totalEvents topUsers { value } }\n  }\n": typeof types.TopUsersDocument,
    "\n  query Altered {\n    auditEvents(filter: { action: \"log.altered\" }) {\n      edges { node { description } }\n    }\n  }\n": typeof types.AlteredDocument,
    "\n  query ShowCheckpoint {\n    checkpoint { origin treeSize logSize rootHash note verifierKey }\n  }\n": typeof types.ShowCheckpointDocument,
    "\n  query ListProofs {\n    auditEvents(first: 1000, orderBy: POSITION_ASC) {\n      edges {\n        node { position customerId leafHash inclusionProof { leafIndex treeSize hashes } }\n      }\n    }\n  }\n": typeof types.ListProofsDocument,
    "\n  query Consistency($from: SafeInt!, $to: SafeInt!) {\n    consistencyProof(from: $from, to: $to) { hashes }\n  }\n": typeof types.ConsistencyDocument,
    "\n  query Cosigned {\n    checkpoint(minWitnesses: 1) { treeSize note }\n    auditEvents(first: 1) {\n      edges { node { proofBundle(minWitnesses: 1) } }\n    }\n  }\n": typeof types.CosignedDocument,
    "\n  subscription Written($after: String) {\n    auditEvents(after: $after, filter: { action: \"fault.write\" }) {\n      cursor\n      node { position requestId }\n    }\n  }\n": typeof types.WrittenDocument,
    "\n  query Counted {\n    auditSummary(startTime: \"2000-01-01T00:00:00Z\", endTime: \"2100-01-01T00:00:00Z\") { totalEvents }\n    auditEvents(first: 0) { totalCount }\n  }\n": typeof types.CountedDocument,
    "\n  subscription Silent {\n    securityAlerts { node { action } }\n  }\n": typeof types.SilentDocument,
    "\n  mutation LogKeyed($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      results { status event { id position } }\n    }\n  }\n": typeof types.LogKeyedDocument,
    "\n  subscription FollowShared($after: String, $filter: AuditEventFilter) {\n    auditEvents(after: $after, filter: $filter) { cursor node { position customerId action } }\n  }\n": typeof types.FollowSharedDocument,
    "\n  mutation LogAt($timestamp: DateTime) {\n    logEvent(input: { eventType: DATA_READ, timestamp: $timestamp }) {\n      event { timestamp }\n    }\n  }\n": typeof types.LogAtDocument,
    "\n  query LinkAndCount {\n    auditExport(format: NDJSON) { url }\n    auditEvents { totalCount }\n  }\n": typeof types.LinkAndCountDocument,
    "\n  mutation LogOneKeyed($key: String, $action: String!) {\n    logEvent(input: { eventType: DATA_READ, action: $action, description: \"d\", idempotencyKey: $key }) {\n      status\n      event { position }\n    }\n  }\n": typeof types.LogOneKeyedDocument,
    "\n  query Inputs {\n    __schema {\n      types { name inputFields { name } }\n      mutationType {\n        fields { name args { type { name ofType { name ofType { name ofType { name } } } } } }\n      }\n    }\n  }\n": typeof types.InputsDocument,
    "\n  query LinkWithOptions($format: ExportFormat!, $filter: AuditEventFilter, $delimiter: String, $byteOrderMark: Boolean) {\n  auditExport(format: $format, filter: $filter, delimiter: $delimiter, byteOrderMark: $byteOrderMark) { url expiresAt }\n  }\n": typeof types.LinkWithOptionsDocument,
    "\n  query FindPositions($search: String) {\n    auditEvents(filter: { search: $search }, orderBy: POSITION_ASC) {\n      edges { node { position } }\n    }\n  }\n": typeof types.FindPositionsDocument,
    "\n  query ListAndCount($after: String, $first: Int = 1000) {\n    auditEvents(orderBy: POSITION_ASC, after: $after, first: $first) {\n      totalCount\n      edges { cursor node { position action userId ipAddress details } }\n    }\n  }\n": typeof types.ListAndCountDocument,
    "\n  query Nine {\n    auditEvents(orderBy: POSITION_ASC, first: 9) {\n      edges { cursor node { id } }\n    }\n  }\n": typeof types.NineDocument,
    "\n  query Timeline($from: DateTime!, $to: DateTime!, $zone: String, $bucket: TimeBucket!) {\n    auditSummary(startTime: $from, endTime: $to, filter: { resourceType: \"clock\" }) {\n      timeline(bucket: $bucket, timeZone: $zone) { start count }\n    }\n  }\n": typeof types.TimelineDocument,
    "\n  query Signed {\n    checkpoint { origin note verifierKey }\n  }\n": typeof types.SignedDocument,
    "\n  query Proved {\n    checkpoint { origin verifierKey }\n    auditEvents(first: 1000) {\n      edges { node { proofBundle } }\n    }\n  }\n": typeof types.ProvedDocument,
    "\n  query FieldsOfEvent {\n    __type(name: \"AuditEvent\") { fields { name } }\n  }\n": typeof types.FieldsOfEventDocument,
    "\n  query SeenFrom($id: String!) {\n    auditEvents(filter: { resourceId: $id }) {\n      edges { node { ipAddress userAgent } }\n    }\n  }\n": typeof types.SeenFromDocument,
    "\n  query Summary {\n    auditSummary {\n      totalEvents\n      bySeverity { count }\n      byType { count }\n      timeline { count }\n    }\n  }\n": typeof types.SummaryDocument,
    "\n  query Page($after: String) {\n    auditEvents(filter: { userId: \"pager\" }, first: 7, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node { action } }\n    }\n  }\n": typeof types.PageDocument,
    "\n  mutation LogEvent($input: LogEventInput!) {\n    logEvent(input: $input) {\n      status\n      event { id position details }\n    }\n  }\n": typeof types.LogEventDocument,
    "\n  mutation LogEvents($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      recorded\n      duplicates\n      results { status event { position } }\n    }\n  }\n": typeof types.LogEventsDocument,
    "\n  query CountEvents($filter: AuditEventFilter) {\n    auditEvents(filter: $filter, first: 0) { totalCount }\n  }\n": typeof types.CountEventsDocument,
    "\n  query ExportLink($format: ExportFormat!, $filter: AuditEventFilter) {\n    auditExport(format: $format, filter: $filter) { url expiresAt }\n  }\n": typeof types.ExportLinkDocument,
    "\n  mutation PurgeEvents($days: Int!) {\n    purgeEvents(olderThanDays: $days) { purged }\n  }\n": typeof types.PurgeEventsDocument,
    "\n  mutation CreateKey($name: String!, $scopes: [ApiKeyScope!]!, $customerId: String, $expiresAt: DateTime) {\n    createApiKey(name: $name, scopes: $scopes, customerId: $customerId, expiresAt: $expiresAt) {\n      key { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt }\n      secret\n    }\n  }\n": typeof types.CreateKeyDocument,
    "\n  query LeafHashes {\n    auditEvents(orderBy: POSITION_ASC, first: 1000) {\n      edges { node { leafHash } }\n    }\n  }\n": typeof types.LeafHashesDocument,
    "\n  query Bundles($first: Int!, $offset: Int!) {\n    auditEvents(first: $first, offset: $offset) {\n      edges { node { proofBundle } }\n    }\n  }\n": typeof types.BundlesDocument,
    "\n  subscription Alerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { position action }\n    }\n  }\n": typeof types.AlertsDocument,
};
const documents: Documents = {
    "\n  query Two {\n    auditEvents(first: 2) {\n      edges { node { id } }\n    }\n  }\n": types.TwoDocument,
    "\n  query EventsAboutKey($id: String!) {\n    auditEvents(filter: { resourceType: \"audit_log.api_key\", resourceId: $id }, orderBy: POSITION_ASC) {\n      edges { node { eventType severity action description userId ipAddress customerId details } }\n    }\n  }\n": types.EventsAboutKeyDocument,
    "\n  query ListKeys {\n    apiKeys { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt }\n  }\n": types.ListKeysDocument,
    "\n  query Customers {\n    auditEvents {\n      edges { node { customerId } }\n    }\n  }\n": types.CustomersDocument,
    "\n  query Note($customerId: String) {\n    checkpoint(customerId: $customerId) { note verifierKey }\n  }\n": types.NoteDocument,
    "\n  query Seventh {\n    auditEvents(filter: { action: \"a7\" }, first: 1) {\n      edges { node { id } }\n    }\n  }\n": types.SeventhDocument,
    "query Pages($after: String) {\n      auditEvents(first: 10, after: $after, orderBy: POSITION_ASC, filter: { minSeverity: WARNING }) {\n        edges { cursor node { id position } }\n        pageInfo { hasNextPage endCursor }\n      }\n    }": types.PagesDocument,
    "\n  query OldestEvents($filter: AuditEventFilter) {\n    auditEvents(first: 5, orderBy: POSITION_ASC, filter: $filter) {\n      totalCount\n      edges { cursor node { position customerId } }\n    }\n  }\n": types.OldestEventsDocument,
    "\n  subscription FollowOldLog($after: String!) {\n    auditEvents(after: $after) { node { position action } }\n  }\n": types.FollowOldLogDocument,
    "\n  mutation PurgeOldLog {\n    purgeEvents(olderThanDays: 0) { purged }\n  }\n": types.PurgeOldLogDocument,
    "\n  subscription FollowAlerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { id position eventType severity action leafHash }\n    }\n  }\n": types.FollowAlertsDocument,
    "\n  query ListAlerts {\n    auditEvents(filter: { minSeverity: WARNING }, orderBy: POSITION_ASC, first: 1000) {\n      edges {\n        cursor\n        node { id position eventType severity action leafHash }\n      }\n    }\n  }\n": types.ListAlertsDocument,
    "\n  query SummaryOfAll {\n    auditSummary(startTime: \"2020-01-01T00:00:00Z\", endTime: \"2100-01-01T00:00:00Z\") {\n      totalEvents\n      byType { eventType count }\n      byOutcome { outcome count }\n      bySeverity { severity count }\n    }\n  }\n": types.SummaryOfAllDocument,
    "\n  query Addresses {\n    auditEvents(orderBy: POSITION_ASC) {\n      edges { node { ipAddress } }\n    }\n  }\n": types.AddressesDocument,
    "\n  query ReadRedacted($filter: AuditEventFilter) {\n    auditEvents(filter: $filter) {\n      edges { node { userId sessionId ipAddress details } }\n    }\n  }\n": types.ReadRedactedDocument,
    "\n  query TopUsers($filter: AuditEventFilter) {\n    auditSummary(filter: $filter) { totalEvents topUsers { value } }\n  }\n": types.TopUsersDocument,
    "\n  query Altered {\n    auditEvents(filter: { action: \"log.altered\" }) {\n      edges { node { description } }\n    }\n  }\n": types.AlteredDocument,
    "\n  query ShowCheckpoint {\n    checkpoint { origin treeSize logSize rootHash note verifierKey }\n  }\n": types.ShowCheckpointDocument,
    "\n  query ListProofs {\n    auditEvents(first: 1000, orderBy: POSITION_ASC) {\n      edges {\n        node { position customerId leafHash inclusionProof { leafIndex treeSize hashes } }\n      }\n    }\n  }\n": types.ListProofsDocument,
    "\n  query Consistency($from: SafeInt!, $to: SafeInt!) {\n    consistencyProof(from: $from, to: $to) { hashes }\n  }\n": types.ConsistencyDocument,
    "\n  query Cosigned {\n    checkpoint(minWitnesses: 1) { treeSize note }\n    auditEvents(first: 1) {\n      edges { node { proofBundle(minWitnesses: 1) } }\n    }\n  }\n": types.CosignedDocument,
    "\n  subscription Written($after: String) {\n    auditEvents(after: $after, filter: { action: \"fault.write\" }) {\n      cursor\n      node { position requestId }\n    }\n  }\n": types.WrittenDocument,
    "\n  query Counted {\n    auditSummary(startTime: \"2000-01-01T00:00:00Z\", endTime: \"2100-01-01T00:00:00Z\") { totalEvents }\n    auditEvents(first: 0) { totalCount }\n  }\n": types.CountedDocument,
    "\n  subscription Silent {\n    securityAlerts { node { action } }\n  }\n": types.SilentDocument,
    "\n  mutation LogKeyed($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      results { status event { id position } }\n    }\n  }\n": types.LogKeyedDocument,
    "\n  subscription FollowShared($after: String, $filter: AuditEventFilter) {\n    auditEvents(after: $after, filter: $filter) { cursor node { position customerId action } }\n  }\n": types.FollowSharedDocument,
    "\n  mutation LogAt($timestamp: DateTime) {\n    logEvent(input: { eventType: DATA_READ, timestamp: $timestamp }) {\n      event { timestamp }\n    }\n  }\n": types.LogAtDocument,
    "\n  query LinkAndCount {\n    auditExport(format: NDJSON) { url }\n    auditEvents { totalCount }\n  }\n": types.LinkAndCountDocument,
    "\n  mutation LogOneKeyed($key: String, $action: String!) {\n    logEvent(input: { eventType: DATA_READ, action: $action, description: \"d\", idempotencyKey: $key }) {\n      status\n      event { position }\n    }\n  }\n": types.LogOneKeyedDocument,
    "\n  query Inputs {\n    __schema {\n      types { name inputFields { name } }\n      mutationType {\n        fields { name args { type { name ofType { name ofType { name ofType { name } } } } } }\n      }\n    }\n  }\n": types.InputsDocument,
    "\n  query LinkWithOptions($format: ExportFormat!, $filter: AuditEventFilter, $delimiter: String, $byteOrderMark: Boolean) {\n  auditExport(format: $format, filter: $filter, delimiter: $delimiter, byteOrderMark: $byteOrderMark) { url expiresAt }\n  }\n": types.LinkWithOptionsDocument,
    "\n  query FindPositions($search: String) {\n    auditEvents(filter: { search: $search }, orderBy: POSITION_ASC) {\n      edges { node { position } }\n    }\n  }\n": types.FindPositionsDocument,
    "\n  query ListAndCount($after: String, $first: Int = 1000) {\n    auditEvents(orderBy: POSITION_ASC, after: $after, first: $first) {\n      totalCount\n      edges { cursor node { position action userId ipAddress details } }\n    }\n  }\n": types.ListAndCountDocument,
    "\n  query Nine {\n    auditEvents(orderBy: POSITION_ASC, first: 9) {\n      edges { cursor node { id } }\n    }\n  }\n": types.NineDocument,
    "\n  query Timeline($from: DateTime!, $to: DateTime!, $zone: String, $bucket: TimeBucket!) {\n    auditSummary(startTime: $from, endTime: $to, filter: { resourceType: \"clock\" }) {\n      timeline(bucket: $bucket, timeZone: $zone) { start count }\n    }\n  }\n": types.TimelineDocument,
    "\n  query Signed {\n    checkpoint { origin note verifierKey }\n  }\n": types.SignedDocument,
    "\n  query Proved {\n    checkpoint { origin verifierKey }\n    auditEvents(first: 1000) {\n      edges { node { proofBundle } }\n    }\n  }\n": types.ProvedDocument,
    "\n  query FieldsOfEvent {\n    __type(name: \"AuditEvent\") { fields { name } }\n  }\n": types.FieldsOfEventDocument,
    "\n  query SeenFrom($id: String!) {\n    auditEvents(filter: { resourceId: $id }) {\n      edges { node { ipAddress userAgent } }\n    }\n  }\n": types.SeenFromDocument,
    "\n  query Summary {\n    auditSummary {\n      totalEvents\n      bySeverity { count }\n      byType { count }\n      timeline { count }\n    }\n  }\n": types.SummaryDocument,
    "\n  query Page($after: String) {\n    auditEvents(filter: { userId: \"pager\" }, first: 7, after: $after) {\n      pageInfo { hasNextPage endCursor }\n      edges { node { action } }\n    }\n  }\n": types.PageDocument,
    "\n  mutation LogEvent($input: LogEventInput!) {\n    logEvent(input: $input) {\n      status\n      event { id position details }\n    }\n  }\n": types.LogEventDocument,
    "\n  mutation LogEvents($input: [LogEventInput!]!) {\n    logEvents(input: $input) {\n      recorded\n      duplicates\n      results { status event { position } }\n    }\n  }\n": types.LogEventsDocument,
    "\n  query CountEvents($filter: AuditEventFilter) {\n    auditEvents(filter: $filter, first: 0) { totalCount }\n  }\n": types.CountEventsDocument,
    "\n  query ExportLink($format: ExportFormat!, $filter: AuditEventFilter) {\n    auditExport(format: $format, filter: $filter) { url expiresAt }\n  }\n": types.ExportLinkDocument,
    "\n  mutation PurgeEvents($days: Int!) {\n    purgeEvents(olderThanDays: $days) { purged }\n  }\n": types.PurgeEventsDocument,
    "\n  mutation CreateKey($name: String!, $scopes: [ApiKeyScope!]!, $customerId: String, $expiresAt: DateTime) {\n    createApiKey(name: $name, scopes: $scopes, customerId: $customerId, expiresAt: $expiresAt) {\n      key { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt }\n      secret\n    }\n  }\n": types.CreateKeyDocument,
    "\n  query LeafHashes {\n    auditEvents(orderBy: POSITION_ASC, first: 1000) {\n      edges { node { leafHash } }\n    }\n  }\n": types.LeafHashesDocument,
    "\n  query Bundles($first: Int!, $offset: Int!) {\n    auditEvents(first: $first, offset: $offset) {\n      edges { node { proofBundle } }\n    }\n  }\n": types.BundlesDocument,
    "\n  subscription Alerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { position action }\n    }\n  }\n": types.AlertsDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Two {\n    auditEvents(first: 2) {\n      edges { node { id } }\n    }\n  }\n"): typeof import('./graphql.ts').TwoDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query EventsAboutKey($id: String!) {\n    auditEvents(filter: { resourceType: \"audit_log.api_key\", resourceId: $id }, orderBy: POSITION_ASC) {\n      edges { node { eventType severity action description userId ipAddress customerId details } }\n    }\n  }\n"): typeof import('./graphql.ts').EventsAboutKeyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListKeys {\n    apiKeys { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt }\n  }\n"): typeof import('./graphql.ts').ListKeysDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Customers {\n    auditEvents {\n      edges { node { customerId } }\n    }\n  }\n"): typeof import('./graphql.ts').CustomersDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Note($customerId: String) {\n    checkpoint(customerId: $customerId) { note verifierKey }\n  }\n"): typeof import('./graphql.ts').NoteDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Seventh {\n    auditEvents(filter: { action: \"a7\" }, first: 1) {\n      edges { node { id } }\n    }\n  }\n"): typeof import('./graphql.ts').SeventhDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Pages($after: String) {\n      auditEvents(first: 10, after: $after, orderBy: POSITION_ASC, filter: { minSeverity: WARNING }) {\n        edges { cursor node { id position } }\n        pageInfo { hasNextPage endCursor }\n      }\n    }"): typeof import('./graphql.ts').PagesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query OldestEvents($filter: AuditEventFilter) {\n    auditEvents(first: 5, orderBy: POSITION_ASC, filter: $filter) {\n      totalCount\n      edges { cursor node { position customerId } }\n    }\n  }\n"): typeof import('./graphql.ts').OldestEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription FollowOldLog($after: String!) {\n    auditEvents(after: $after) { node { position action } }\n  }\n"): typeof import('./graphql.ts').FollowOldLogDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation PurgeOldLog {\n    purgeEvents(olderThanDays: 0) { purged }\n  }\n"): typeof import('./graphql.ts').PurgeOldLogDocument;
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
export function graphql(source: "\n  query Addresses {\n    auditEvents(orderBy: POSITION_ASC) {\n      edges { node { ipAddress } }\n    }\n  }\n"): typeof import('./graphql.ts').AddressesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ReadRedacted($filter: AuditEventFilter) {\n    auditEvents(filter: $filter) {\n      edges { node { userId sessionId ipAddress details } }\n    }\n  }\n"): typeof import('./graphql.ts').ReadRedactedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TopUsers($filter: AuditEventFilter) {\n    auditSummary(filter: $filter) { totalEvents topUsers { value } }\n  }\n"): typeof import('./graphql.ts').TopUsersDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Altered {\n    auditEvents(filter: { action: \"log.altered\" }) {\n      edges { node { description } }\n    }\n  }\n"): typeof import('./graphql.ts').AlteredDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ShowCheckpoint {\n    checkpoint { origin treeSize logSize rootHash note verifierKey }\n  }\n"): typeof import('./graphql.ts').ShowCheckpointDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListProofs {\n    auditEvents(first: 1000, orderBy: POSITION_ASC) {\n      edges {\n        node { position customerId leafHash inclusionProof { leafIndex treeSize hashes } }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').ListProofsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Consistency($from: SafeInt!, $to: SafeInt!) {\n    consistencyProof(from: $from, to: $to) { hashes }\n  }\n"): typeof import('./graphql.ts').ConsistencyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Cosigned {\n    checkpoint(minWitnesses: 1) { treeSize note }\n    auditEvents(first: 1) {\n      edges { node { proofBundle(minWitnesses: 1) } }\n    }\n  }\n"): typeof import('./graphql.ts').CosignedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Written($after: String) {\n    auditEvents(after: $after, filter: { action: \"fault.write\" }) {\n      cursor\n      node { position requestId }\n    }\n  }\n"): typeof import('./graphql.ts').WrittenDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Counted {\n    auditSummary(startTime: \"2000-01-01T00:00:00Z\", endTime: \"2100-01-01T00:00:00Z\") { totalEvents }\n    auditEvents(first: 0) { totalCount }\n  }\n"): typeof import('./graphql.ts').CountedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Silent {\n    securityAlerts { node { action } }\n  }\n"): typeof import('./graphql.ts').SilentDocument;
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
export function graphql(source: "\n  mutation LogAt($timestamp: DateTime) {\n    logEvent(input: { eventType: DATA_READ, timestamp: $timestamp }) {\n      event { timestamp }\n    }\n  }\n"): typeof import('./graphql.ts').LogAtDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query LinkAndCount {\n    auditExport(format: NDJSON) { url }\n    auditEvents { totalCount }\n  }\n"): typeof import('./graphql.ts').LinkAndCountDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation LogOneKeyed($key: String, $action: String!) {\n    logEvent(input: { eventType: DATA_READ, action: $action, description: \"d\", idempotencyKey: $key }) {\n      status\n      event { position }\n    }\n  }\n"): typeof import('./graphql.ts').LogOneKeyedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Inputs {\n    __schema {\n      types { name inputFields { name } }\n      mutationType {\n        fields { name args { type { name ofType { name ofType { name ofType { name } } } } } }\n      }\n    }\n  }\n"): typeof import('./graphql.ts').InputsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query LinkWithOptions($format: ExportFormat!, $filter: AuditEventFilter, $delimiter: String, $byteOrderMark: Boolean) {\n  auditExport(format: $format, filter: $filter, delimiter: $delimiter, byteOrderMark: $byteOrderMark) { url expiresAt }\n  }\n"): typeof import('./graphql.ts').LinkWithOptionsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query FindPositions($search: String) {\n    auditEvents(filter: { search: $search }, orderBy: POSITION_ASC) {\n      edges { node { position } }\n    }\n  }\n"): typeof import('./graphql.ts').FindPositionsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListAndCount($after: String, $first: Int = 1000) {\n    auditEvents(orderBy: POSITION_ASC, after: $after, first: $first) {\n      totalCount\n      edges { cursor node { position action userId ipAddress details } }\n    }\n  }\n"): typeof import('./graphql.ts').ListAndCountDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Nine {\n    auditEvents(orderBy: POSITION_ASC, first: 9) {\n      edges { cursor node { id } }\n    }\n  }\n"): typeof import('./graphql.ts').NineDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Timeline($from: DateTime!, $to: DateTime!, $zone: String, $bucket: TimeBucket!) {\n    auditSummary(startTime: $from, endTime: $to, filter: { resourceType: \"clock\" }) {\n      timeline(bucket: $bucket, timeZone: $zone) { start count }\n    }\n  }\n"): typeof import('./graphql.ts').TimelineDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Signed {\n    checkpoint { origin note verifierKey }\n  }\n"): typeof import('./graphql.ts').SignedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Proved {\n    checkpoint { origin verifierKey }\n    auditEvents(first: 1000) {\n      edges { node { proofBundle } }\n    }\n  }\n"): typeof import('./graphql.ts').ProvedDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query FieldsOfEvent {\n    __type(name: \"AuditEvent\") { fields { name } }\n  }\n"): typeof import('./graphql.ts').FieldsOfEventDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query SeenFrom($id: String!) {\n    auditEvents(filter: { resourceId: $id }) {\n      edges { node { ipAddress userAgent } }\n    }\n  }\n"): typeof import('./graphql.ts').SeenFromDocument;
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
export function graphql(source: "\n  query ExportLink($format: ExportFormat!, $filter: AuditEventFilter) {\n    auditExport(format: $format, filter: $filter) { url expiresAt }\n  }\n"): typeof import('./graphql.ts').ExportLinkDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation PurgeEvents($days: Int!) {\n    purgeEvents(olderThanDays: $days) { purged }\n  }\n"): typeof import('./graphql.ts').PurgeEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateKey($name: String!, $scopes: [ApiKeyScope!]!, $customerId: String, $expiresAt: DateTime) {\n    createApiKey(name: $name, scopes: $scopes, customerId: $customerId, expiresAt: $expiresAt) {\n      key { id name scopes customerId createdAt expiresAt revokedAt lastUsedAt }\n      secret\n    }\n  }\n"): typeof import('./graphql.ts').CreateKeyDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query LeafHashes {\n    auditEvents(orderBy: POSITION_ASC, first: 1000) {\n      edges { node { leafHash } }\n    }\n  }\n"): typeof import('./graphql.ts').LeafHashesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Bundles($first: Int!, $offset: Int!) {\n    auditEvents(first: $first, offset: $offset) {\n      edges { node { proofBundle } }\n    }\n  }\n"): typeof import('./graphql.ts').BundlesDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Alerts($after: String) {\n    securityAlerts(after: $after) {\n      cursor\n      node { position action }\n    }\n  }\n"): typeof import('./graphql.ts').AlertsDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
