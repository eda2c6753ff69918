import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, makeServer, type SubscribePayload } from 'graphql-ws';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { Authenticate } from '../access/authenticate.ts';
import type { Failures } from '../access/failures.ts';
import type { RateLimit } from '../access/rate/rate-limit.ts';
import type { Work } from '../access/rate/work.ts';
import type { Sessions } from '../access/sessions.ts';
import type { Viewer } from '../access/viewer.ts';
import { AuditError } from '../errors.ts';
import { type Engine, isResults } from '../graphql/engine.ts';
import { forClient, showError } from '../graphql/errors.ts';
import type { Documents } from '../graphql/persisted.ts';
import { KEY_ENDED } from '../graphql/subscription.ts';
import { LiveSink } from './live-sink.ts';
import type { PeerOf } from './peer.ts';
import type { Requests } from './requests.ts';

const INIT_TIMEOUT_MS = 5_000;
const MAX_OPERATIONS = 100;
/** Registered close code: the key could not be looked at now. */
const TRY_AGAIN_LATER = 1013;

/** What is kept of a connection. */
export interface Connection extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  request: IncomingMessage;
  /** Sends a message and resolves when it has left the process, or the socket is closed. */
  send: (message: string | Buffer) => Promise<void>;
  /** Who asks; undefined again when the key has ended. */
  viewer?: Viewer | undefined;
  /** Whether a valid key has come. */
  isAdmitted: boolean;
  /** How many messages came before it. */
  strangersMessages: number;
  /** What was done for the message that is being dealt with. */
  work: Work;
}

export interface LiveProtocolOptions {
  engine: Engine;
  authenticate: Authenticate;
  peerOf: PeerOf;
  sessions: Sessions;
  rates: RateLimit;
  failures: Failures;
  documents: Documents;
  requests: Requests;
  log: Logger;
}

/** The graphql-transport-ws protocol over the pipeline of the HTTP API, a hundred operations at a time on a socket. */
export function createLiveProtocol(options: LiveProtocolOptions) {
  const { log } = options;
  return makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: ({ connectionParams, extra }) => connect(options, extra, connectionParams),
    execute: (args) => execute(options, args),
    subscribe: (args) => subscribe(options.engine, args),
    onSubscribe: ({ subscriptions, extra }, id, params) => {
      if (Object.keys(subscriptions).length <= MAX_OPERATIONS)
        return prepare(options, extra, { ...params, id });
      const refusal = `a connection carries ${MAX_OPERATIONS} operations at a time: open another`;
      return [showError(new AuditError('OVERLOADED', refusal), log)];
    },
    onNext: (_context, _id, _params, _args, result) => forClient(result, log),
    onError: (_context, _id, _params, errors) => forClient({ errors: errors.flatMap(causesOf) }, log).errors,
  });
}

async function connect(
  { authenticate, peerOf, sessions }: LiveProtocolOptions,
  connection: Connection,
  { Authorization, authorization }: Record<string, unknown> = {},
): Promise<boolean> {
  const given = Authorization ?? authorization;
  try {
    connection.viewer = await authenticate(
      typeof given === 'string' ? given : undefined,
      peerOf(connection.request),
    );
    connection.isAdmitted = true;
    endWithKey(sessions, connection);
    return true;
  } catch (error) {
    const isRefused = error instanceof AuditError && error.code === 'UNAUTHENTICATED';
    if (!isRefused) connection.socket.close(TRY_AGAIN_LATER, 'try again later');
    return false; // Closed with 4403.
  }
}

function endWithKey(sessions: Sessions, connection: Connection): void {
  const { viewer, socket } = connection;
  if (!viewer || socket.readyState !== socket.OPEN) return;
  const release = sessions.open(viewer, () => {
    connection.viewer = undefined;
    // After the last words of the subscriptions, which are on their way.
    setImmediate(() => socket.close(CloseCode.Forbidden, 'Forbidden'));
  });
  socket.once('close', release);
}

function prepare(
  { engine, documents, peerOf, rates, log }: LiveProtocolOptions,
  connection: Connection,
  { id, ...params }: SubscribePayload & { id: string },
): ExecutionArgs | GraphQLError[] {
  const { viewer, request, work } = connection;
  if (!viewer) return [new GraphQLError(KEY_ENDED, { extensions: { code: 'UNAUTHENTICATED' } })];
  try {
    rates.check(viewer.keyId);
    const checked = work.measure(() => engine.check(documents.textOf(params)));
    rates.charge(viewer.keyId, work.takeUnpaid());
    if ('errors' in checked) return [...checked.errors];
    return {
      schema: engine.schema,
      operationName: params.operationName,
      document: checked.document,
      variableValues: params.variables,
      contextValue: {
        ...engine.contextOf({ viewer, peer: peerOf(request), work }),
        sink: new LiveSink(connection, id, (result) => JSON.stringify(forClient(result, log))),
      },
    };
  } catch (error) {
    return [error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error as Error })];
  }
}

async function execute(
  { engine, requests }: LiveProtocolOptions,
  args: ExecutionArgs,
): Promise<ExecutionResult> {
  try {
    requests.enter(args);
  } catch (error) {
    return { errors: [new GraphQLError('', { originalError: error as Error })] };
  }
  return engine.execute(args).finally(() => requests.leave(args));
}

// A subscription that does not begin is an `error` message; graphql-ws would send it as a result.
async function subscribe(engine: Engine, args: ExecutionArgs): Promise<AsyncIterable<ExecutionResult>> {
  const outcome = await engine.subscribe(args);
  return isResults(outcome) ? outcome : failing(outcome.errors ?? []);
}

function failing(errors: readonly GraphQLError[]): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new AggregateError(errors)) }) };
}

function causesOf(error: GraphQLError): GraphQLError[] {
  return error.originalError instanceof AggregateError ? error.originalError.errors : [error];
}
