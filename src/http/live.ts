import type { Server } from 'node:http';
import type { ExecutionArgs } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { Authenticate } from '../access/authenticate.ts';
import type { Viewer } from '../access/viewer.ts';
import { GRAPHQL_PATH, type GraphqlServer } from './yoga.ts';

const KEEP_ALIVE_MS = 12_000;
const INIT_TIMEOUT_MS = 5_000;
const MAX_PAYLOAD_BYTES = 1_048_576;

interface Extra extends Record<PropertyKey, unknown> {
  viewer?: Viewer;
}

type RootArguments = ExecutionArgs & {
  rootValue: { execute: (args: ExecutionArgs) => never; subscribe: (args: ExecutionArgs) => never };
};

/** Serves the GraphQL API over the graphql-transport-ws protocol on the same path; returns the closing of it. */
export function serveLive(
  server: Server,
  yoga: GraphqlServer,
  authenticate: Authenticate,
): () => Promise<void> {
  const sockets = new WebSocketServer({ server, path: GRAPHQL_PATH, maxPayload: MAX_PAYLOAD_BYTES });
  const live = useServer<Record<string, unknown>, Extra>(
    {
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      onConnect: async ({ connectionParams = {}, extra }) => {
        const { Authorization, authorization } = connectionParams;
        const given = Authorization ?? authorization;
        try {
          extra.viewer = await authenticate(typeof given === 'string' ? given : undefined);
          return true;
        } catch {
          return false; // Closed with 4403, the protocol's code for this.
        }
      },
      execute: (args) => (args as RootArguments).rootValue.execute(args),
      subscribe: (args) => (args as RootArguments).rootValue.subscribe(args),
      onSubscribe: async (ctx, _id, params) => {
        const enveloped = yoga.getEnveloped({ ...params, viewer: ctx.extra.viewer } as never);
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
