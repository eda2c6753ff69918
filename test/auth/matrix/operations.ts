import type { Scope } from '../../../src/auth/principal-and-scopes.ts';
import type { TestService } from '../../support/service.ts';
import { createKey } from '../create-key.ts';
import type { World } from './world.ts';

/** An operation of the API, as it is asked for here. */
export interface Operation {
  /** What a key needs for it. */
  scope: Scope;
  query: string;
  /** Asked about acme's things, with variables that are valid each time. */
  variables?: (of: { world: World; service: TestService }) => object | Promise<object>;
  /** The answer holds something of acme's, for who may see it. */
  shows?: true;
  /** What another customer gets; by default an answer that holds nothing of acme's. */
  foreign?: 'FORBIDDEN';
}

const EVENT = '{ id position userId leafHash }';
const PAGE = `{ totalCount pageInfo { hasNextPage startCursor } edges { cursor node ${EVENT} } }`;
const PAYLOAD = '{ status event { id } }';
const ofAcme = (input: object) => () => ({ input: { customerId: 'acme', ...input } });

/** Every field of Query, Mutation and Subscription: a test compares the names with those of the schema. */
export const OPERATIONS: Record<string, Operation> = {
  'Query.node': {
    scope: 'events:read',
    shows: true,
    query: 'query ($id: ID!) { node(id: $id) { id } }',
    variables: ({ world }) => ({ id: world.acme[0]?.id }),
  },
  'Query.nodes': {
    scope: 'events:read',
    shows: true,
    query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    variables: ({ world }) => ({ ids: world.acme.map(({ id }) => id) }),
  },
  'Query.auditEvent': {
    scope: 'events:read',
    shows: true,
    query: `query ($id: ID!) { auditEvent(id: $id) ${EVENT} }`,
    variables: ({ world }) => ({ id: world.acme[0]?.id }),
  },
  'Query.auditEvents': {
    scope: 'events:read',
    shows: true,
    query: `{ auditEvents(filter: { userId: "acme-user" }) ${PAGE} }`,
  },
  'Query.auditSummary': {
    scope: 'events:read',
    shows: true,
    query: `{ auditSummary(startTime: "2026-03-01T00:00:00Z", endTime: "2026-03-02T00:00:00Z",
      filter: { userId: "acme-user" }) { totalEvents topUsers { value } byType { eventType } } }`,
  },
  'Query.auditExport': { scope: 'events:export', query: '{ auditExport(format: NDJSON) { url expiresAt } }' },
  'Query.checkpoint': {
    scope: 'events:read',
    query: '{ checkpoint(customerId: "acme") { origin treeSize rootHash note } }',
    foreign: 'FORBIDDEN',
  },
  'Query.consistencyProof': {
    scope: 'events:read',
    query: '{ consistencyProof(from: 1, to: 2, customerId: "acme") { hashes } }',
    foreign: 'FORBIDDEN',
  },
  'Query.apiKeys': { scope: 'admin', query: '{ apiKeys { id name scopes customerId } }' },
  'Mutation.logEvent': {
    scope: 'events:write',
    query: `mutation ($input: LogEventInput!) { logEvent(input: $input) ${PAYLOAD} }`,
    variables: ofAcme({ eventType: 'AUTH_LOGIN' }),
    foreign: 'FORBIDDEN',
  },
  'Mutation.logEvents': {
    scope: 'events:write',
    query: `mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { results ${PAYLOAD} } }`,
    variables: ofAcme({ eventType: 'AUTH_LOGIN' }),
    foreign: 'FORBIDDEN',
  },
  'Mutation.logAuthEvent': {
    scope: 'events:write',
    query: `mutation ($input: LogAuthEventInput!) { logAuthEvent(input: $input) ${PAYLOAD} }`,
    variables: ofAcme({ eventType: 'AUTH_LOGIN' }),
    foreign: 'FORBIDDEN',
  },
  'Mutation.logDataEvent': {
    scope: 'events:write',
    query: `mutation ($input: LogDataEventInput!) { logDataEvent(input: $input) ${PAYLOAD} }`,
    variables: ofAcme({ action: 'READ', resourceType: 'r', resourceId: '1' }),
    foreign: 'FORBIDDEN',
  },
  'Mutation.logSecurityEvent': {
    scope: 'events:write',
    query: `mutation ($input: LogSecurityEventInput!) { logSecurityEvent(input: $input) ${PAYLOAD} }`,
    variables: ofAcme({ eventType: 'SECURITY_ALERT', severity: 'INFO', description: 'd' }),
    foreign: 'FORBIDDEN',
  },
  'Mutation.purgeEvents': {
    scope: 'admin',
    query: 'mutation { purgeEvents(olderThanDays: 36500) { purged } }',
  },
  'Mutation.createApiKey': {
    scope: 'admin',
    query:
      'mutation { createApiKey(name: "acme", scopes: [EVENTS_READ], customerId: "acme") { key { id } } }',
  },
  'Mutation.revokeApiKey': {
    scope: 'admin',
    query: 'mutation ($id: ID!) { revokeApiKey(id: $id) { id name } }',
    variables: async ({ service }) => ({
      id: (await createKey(service, { name: 'acme', scopes: ['EVENTS_READ'] })).key.id,
    }),
  },
  'Subscription.auditEvents': {
    scope: 'events:read',
    shows: true,
    query: 'subscription { auditEvents(after: "beginning") { cursor node { id customerId userId } } }',
  },
  'Subscription.securityAlerts': {
    scope: 'events:read',
    shows: true,
    query: `subscription {
      securityAlerts(after: "beginning", minSeverity: DEBUG) { cursor node { id customerId userId } }
    }`,
  },
};
