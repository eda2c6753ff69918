import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GraphQLError } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { graphiqlPage, graphiqlPolicy } from '../../src/http/graphiql.ts';

/** A service that the page can be opened on. */
export interface ServedGraphiql {
  /** `http://127.0.0.1:<port>`, without a path. */
  url: string;
  key: string;
  stop(): Promise<void>;
}

/** The part of the public schema that GraphiQL's examples use. */
const typeDefs = `
  scalar DateTime
  scalar JSONObject
  scalar SafeInt
  enum AuditEventType { AUTH_LOGIN AUTH_LOGIN_FAILED }
  enum AuditOutcome { SUCCESS FAILURE }
  enum AuditSeverity { INFO WARNING CRITICAL }
  enum LogStatus { RECORDED }
  enum TimeBucket { HOUR DAY }
  input LogEventInput {
    eventType: AuditEventType! outcome: AuditOutcome severity: AuditSeverity userId: String ipAddress: String
    action: String description: String details: JSONObject
  }
  input AuditEventFilter { eventTypes: [AuditEventType!] startTime: DateTime }
  type AuditEvent {
    id: ID! position: SafeInt! timestamp: DateTime! leafHash: String! eventType: AuditEventType! userId: String
    outcome: AuditOutcome! severity: AuditSeverity! ipAddress: String description: String! details: JSONObject!
  }
  type AuditEventEdge { cursor: String! node: AuditEvent! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type AuditEventConnection { edges: [AuditEventEdge!]! pageInfo: PageInfo! totalCount: SafeInt! }
  type LogEventPayload { status: LogStatus! event: AuditEvent }
  type TypeCount { eventType: AuditEventType! count: SafeInt! }
  type SeverityCount { severity: AuditSeverity! count: SafeInt! }
  type ValueCount { value: String! count: SafeInt! }
  type TimelinePoint { start: DateTime! count: SafeInt! }
  type AuditSummary {
    totalEvents: SafeInt! byType: [TypeCount!]! bySeverity: [SeverityCount!]!
    timeline(bucket: TimeBucket): [TimelinePoint!]! topUsers(first: Int): [ValueCount!]!
  }
  type Mutation { logEvent(input: LogEventInput!): LogEventPayload! }
  type Query {
    auditEvents(filter: AuditEventFilter, first: Int, after: String): AuditEventConnection!
    auditSummary(startTime: DateTime): AuditSummary!
  }
  type Subscription {
    securityAlerts(minSeverity: AuditSeverity, after: String): AuditEventEdge!
  }
`;

type Edge = { cursor: string; node: Record<string, unknown> };

function tinySchema() {
  const log: Edge[] = [];
  const feed = createPubSub<{ event: [Edge] }>();
  const pageInfo = { hasNextPage: false, endCursor: null };
  const logEvent = (_: unknown, { input }: { input: Record<string, unknown> }) => {
    const position = log.length;
    const timestamp = new Date().toISOString();
    const node = { id: `audit_${position}`, position, timestamp, leafHash: '00'.repeat(32), ...input };
    log.push({ cursor: `${position}`, node });
    feed.publish('event', { cursor: `${position}`, node });
    return { status: 'RECORDED', event: node };
  };
  const summary = () => ({
    totalEvents: log.length,
    byType: [{ eventType: 'AUTH_LOGIN_FAILED', count: log.length }],
    bySeverity: [{ severity: 'WARNING', count: log.length }],
    timeline: [{ start: new Date().toISOString(), count: log.length }],
    topUsers: [{ value: 'alice', count: log.length }],
  });
  const resolvers = {
    Query: {
      auditEvents: () => ({ edges: log, pageInfo, totalCount: log.length }),
      auditSummary: summary,
    },
    Mutation: { logEvent },
    Subscription: {
      securityAlerts: { subscribe: () => feed.subscribe('event'), resolve: (edge: Edge) => edge },
    },
  };
  return createSchema({ typeDefs, resolvers });
}

/**
 * Serves the page and a log in memory on loopback: enough of the real service for the browser to work against, with
 * the same way of asking for the key.
 */
export async function startTinyService(): Promise<ServedGraphiql> {
  const key = 'a-key-of-the-tiny-service-0123456789';
  const schema = tinySchema();
  const yoga = createYoga({
    schema,
    logging: false,
    graphiql: false,
    maskedErrors: false,
    context: ({ request }) => {
      if (request.headers.get('authorization') === `Bearer ${key}`) return {};
      throw new GraphQLError('A key is needed.', { extensions: { code: 'UNAUTHENTICATED' } });
    },
  });
  const page = graphiqlPage({ endpoint: '/graphql' });
  const pageHeaders = { 'content-type': 'text/html', 'content-security-policy': graphiqlPolicy(page) };
  const server = createServer((request, response) => {
    const isPage = request.method === 'GET' && request.headers.accept?.includes('text/html');
    if (isPage) response.writeHead(200, pageHeaders).end(page);
    else yoga(request, response);
  });
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const isKnown = (params: Record<string, unknown> = {}) => params.Authorization === `Bearer ${key}`;
  const live = useServer({ schema, onConnect: ({ connectionParams }) => isKnown(connectionParams) }, sockets);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    await live.dispose();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, key, stop };
}
