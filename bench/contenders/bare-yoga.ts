import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';
import type { LogEvent } from '../../src/index.ts';

// The least that an event over Yoga can cost: the log as it is built, and Yoga with one mutation. No authentication, no limits,
// no costs, no strict parsing.

const built = new URL('../../dist/index.js', import.meta.url).href;
const { createAuditLog } = (await import(built)) as typeof import('../../src/index.ts');
const log = await createAuditLog({
  databaseUrl: process.env.DATABASE_URL ?? '',
  dataDir: process.env.DATA_DIR ?? '',
});

interface Input extends Record<string, unknown> {
  eventType: string;
  outcome: string;
  severity: string;
}

const yoga = createYoga({
  logging: false,
  // What costs something for each request, as in the service.
  cors: false,
  graphiql: false,
  landingPage: false,
  batching: false,
  multipart: false,
  maxRequestBodySize: false,
  schema: createSchema({
    typeDefs: `
      scalar JSONObject
      input LogEventInput {
        eventType: String! outcome: String! severity: String! userId: String customerId: String sessionId: String
        ipAddress: String userAgent: String requestId: String resourceType: String resourceId: String action: String
        description: String details: JSONObject oldValues: JSONObject newValues: JSONObject
      }
      type AuditEvent { id: ID! position: Int! timestamp: String! }
      type LogEventPayload { status: String! event: AuditEvent }
      type Query { nothing: String }
      type Mutation { logEvent(input: LogEventInput!): LogEventPayload! }`,
    resolvers: {
      Mutation: { logEvent: (_: unknown, { input }: { input: Input }) => log.log(eventOf(input)) },
    },
  }),
});

function eventOf({ eventType, outcome, severity, ...others }: Input): LogEvent {
  return {
    ...others,
    eventType: eventType.replace('_', '.').toLowerCase(),
    outcome: outcome.toLowerCase(),
    severity: severity.toLowerCase(),
  } as LogEvent;
}

const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listens at http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql\n`);
});
process.once('SIGTERM', async () => {
  server.closeAllConnections();
  server.close();
  await log.close();
});
