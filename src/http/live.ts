import type { Server } from 'node:http';
import { type ExecutionArgs, GraphQLError } from 'graphql';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { Authenticate } from '../access/authenticate.ts';
import type { Sessions } from '../access/sessions.ts';
import type { Viewer } from '../access/viewer.ts';
import { addressOf } from './address.ts';
import { GRAPHQL_PATH, type GraphqlServer, KEY_ENDED } from './yoga.ts';

const KEEP_ALIVE_MS = 12_000;
const INIT_TIMEOUT_MS = 5_000;
const MAX_PAYLOAD_BYTES = 1_048_576;
// The protocol's code for a refused key.
const FORBIDDEN = 4403;

interface Connection extends Record<PropertyKey, unknown> {
  /** Who asks; undefined again when the key has ended. */
  viewer?: Viewer | undefined;
}

/** What the WebSockets stand on. */
export interface LiveOptions {
  yoga: GraphqlServer;
  authenticate: Authenticate;
  sessions: Sessions;
}

type RootArguments = ExecutionArgs & {
  rootValue: { execute: (args: ExecutionArgs) => never; subscribe: (args: ExecutionArgs) => never };
};

/** Serves the GraphQL API over the graphql-transport-ws protocol on the same path; returns the closing of it. */
export function serveLive(
  server: Server,
  { yoga, authenticate, sessions }: LiveOptions,
): () => Promise<void> {
  const sockets = new WebSocketServer({ server, path: GRAPHQL_PATH, maxPayload: MAX_PAYLOAD_BYTES });
  const live = useServer<Record<string, unknown>, Connection>(
    {
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      onConnect: async ({ connectionParams = {}, extra }) => {
        const { Authorization, authorization } = connectionParams;
        const given = Authorization ?? authorization;
        try {
          extra.viewer = await authenticate(typeof given === 'string' ? given : undefined);
          endWithKey(sessions, extra);
          return true;
        } catch {
          return false; // Closed with 4403.
        }
      },
      execute: (args) => (args as RootArguments).rootValue.execute(args),
      subscribe: (args) => (args as RootArguments).rootValue.subscribe(args),
      onSubscribe: async (ctx, _id, params) => {
        const { viewer, request } = ctx.extra;
        if (!viewer) return [new GraphQLError(KEY_ENDED, { extensions: { code: 'UNAUTHENTICATED' } })];
        const enveloped = yoga.getEnveloped({ ...params, viewer, address: addressOf(request) } as never);
        const document = (() => {
          try {
            return enveloped.parse(params.query);
          } catch (error) {
            return [error];
          }
        })();
        if (Array.isArray(document)) return document;
        const errors = enveloped.validate(enveloped.schema, document);
        if (errors.length > 0) return errors;
        return {
          schema: enveloped.schema,
          operationName: params.operationName,
          document,
          variableValues: params.variables,
          contextValue: await enveloped.contextFactory(),
          rootValue: { execute: enveloped.execute, subscribe: enveloped.subscribe },
        };
      },
    },
    sockets,
    KEEP_ALIVE_MS,
  );
  return async () => {
    await live.dispose();
  };
}

function endWithKey(sessions: Sessions, connection: Extra & Partial<Connection>): void {
  const { viewer, socket } = connection;
  if (!viewer || socket.readyState !== socket.OPEN) return;
  const release = sessions.open(viewer.keyId, () => {
    connection.viewer = undefined;
    // After the last words of the subscriptions, which are on their way.
    setImmediate(() => socket.close(FORBIDDEN, 'Forbidden'));
  });
  socket.once('close', release);
}
