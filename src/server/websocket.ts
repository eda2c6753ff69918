import type { IncomingMessage, Server } from 'node:http';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type ServerOptions } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Authenticate } from '../access/authenticate.ts';
import { Work } from '../access/rate/work.ts';
import type { Viewer } from '../access/viewer.ts';
import { AuditError } from '../errors.ts';
import type { Context, Services } from '../graphql/context.ts';
import { chargeWork } from '../graphql/cost.ts';
import { forClient, showError } from '../graphql/errors.ts';
import { KEY_ENDED } from '../graphql/subscription.ts';
import type { PeerOf } from './client-address.ts';
import { type Checked, type DocumentChecks, requireOperation } from './documents.ts';
import { isIterable } from './errors.ts';
import type { Requests } from './in-flight.ts';
import { admitMessage, chargeMessage } from './message-charges.ts';
import { onMessageInTurns } from './message-turns.ts';
import { clientId, OperationIds, TOO_MANY_OPERATIONS, withClientId } from './operation-ids.ts';
import { checkParams } from './operation-request.ts';
import { OperationSink } from './operation-sink.ts';
import type { Unsent } from './output-buffer.ts';
import type { PersistedDocuments } from './persisted-documents.ts';
import { readMessage, type UpgradeRules, verifyUpgrade } from './upgrade.ts';
import { GRAPHQL_PATH, type Yoga } from './yoga.ts';

const CLOSE_TIMEOUT_MS = 2_000;
const INIT_TIMEOUT_MS = 5_000;
const MAX_PAYLOAD_BYTES = 1_048_576;
const MAX_BUFFERED_BYTES = 16_777_216;
/** RFC 6455, 7.4.1: the service stops. */
const GOING_AWAY = 1001;
/** Registered close code: the key could not be looked at now. */
const TRY_AGAIN_LATER = 1013;

export interface WebSocketOptions extends UpgradeRules {
  server: Server;
  yoga: Yoga;
  authenticate: Authenticate;
  peerOf: PeerOf;
  services: Services;
  documents: PersistedDocuments;
  checks: DocumentChecks;
  requests: Requests;
  unsent: Unsent;
  /** Time between two pings of a socket; one that is silent for five of them is cut. */
  keepAliveMs: number;
  log: Logger;
}

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
  /** How long that message is. */
  bytes: number;
  operations: OperationIds;
}

/**
 * Serves the API over WebSocket (graphql-transport-ws) on the same path, with Yoga's plugins. By graphql-ws's
 * `makeServer().opened` and not by `graphql-ws/use/ws`: messages are read strictly before the protocol sees them, a socket
 * may miss five pings, and an event is sent when the one before has left the process.
 * Returns the closing, which says 1001 to every client at once and waits two seconds at most for them to take it. Subscriptions are not
 * completed: they have not come to an end, and clients take up again what was cut, not what was completed.
 */
export function serveWebSockets(options: WebSocketOptions): () => Promise<void> {
  const { server, keepAliveMs, log, unsent } = options;
  const protocol = makeServer<Record<string, unknown>, Connection>(protocolOptions(options));
  const sockets = new WebSocketServer({
    server,
    path: GRAPHQL_PATH,
    maxPayload: MAX_PAYLOAD_BYTES,
    handleProtocols,
    verifyClient: verifyUpgrade(options),
  });
  // The server's errors come here too, and would end the process: whoever starts the server gets them.
  sockets.on('error', () => undefined);
  sockets.on('connection', (socket, request) => {
    const problem = (error: Error) => log.warn({ cause: error.message }, 'a WebSocket had a problem');
    socket.on('error', problem);
    const onFailure = (error: Error) => {
      problem(error);
      socket.close(CloseCode.InternalServerError, 'Internal server error');
    };
    keepAlive(socket, keepAliveMs);
    const send = createSend(socket, unsent);
    const connection: Connection = {
      socket,
      request,
      send,
      isAdmitted: false,
      strangersMessages: 0,
      work: new Work(),
      bytes: 0,
      operations: new OperationIds(),
    };
    const onMessage = (listener: (text: string) => Promise<void>) =>
      onMessageInTurns(
        socket,
        (data, isBinary) => {
          // Sent before the close arrived at the client.
          if (socket.readyState !== socket.OPEN) return;
          // The client sends requests without reading the answers.
          if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return socket.terminate();
          const refusal = admitMessage(options, connection, data.length);
          if (refusal) return socket.close(refusal.code, refusal.reason);
          connection.bytes = data.length;
          const message = connection.work.measure(() => readMessage(data, isBinary));
          if ('refusal' in message) socket.close(CloseCode.BadRequest, message.refusal);
          else handleMessage(connection, message.value, { listener, onFailure });
          chargeMessage(options, connection);
        },
        onFailure,
      );
    const close = (code?: number, reason?: string) => socket.close(code, reason);
    const sendMessage = (text: string) => send(withClientId(text));
    const closed = protocol.opened(
      { protocol: socket.protocol, send: sendMessage, close, onMessage },
      connection,
    );
    socket.once('close', (code, reason) => closed(code, String(reason)).catch(problem));
  });
  return () => closeAll(sockets);
}

// A function of its own, which keeps nothing of what it is given: the promise lasts as long as the operation.
function handleMessage(
  { operations, socket }: Connection,
  message: unknown,
  {
    listener,
    onFailure,
  }: { listener: (message: string) => Promise<void>; onFailure: (error: Error) => void },
): void {
  const taken = operations.take(message);
  if ('refusal' in taken) socket.close(taken.code, taken.refusal);
  // The protocol parses texts itself, and takes what is parsed.
  else
    listener(taken.message as string)
      .finally(taken.release)
      .catch(onFailure);
}

function createSend(socket: WebSocket, unsent: Unsent): Connection['send'] {
  // What is sent while a socket closes waits for the end of it, so that nobody reads the log for nothing.
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return (data) => {
    if (socket.readyState !== socket.OPEN) return gone;
    return new Promise<void>((resolve, reject) => {
      const release = unsent.hold(data.length, () => socket.terminate());
      socket.send(data, { binary: false }, (error) => {
        release();
        if (error) reject(error);
        else resolve();
      });
    });
  };
}

async function closeAll(sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.close(GOING_AWAY, 'the service stops');
  const forced = setTimeout(() => {
    for (const socket of sockets.clients) socket.terminate();
  }, CLOSE_TIMEOUT_MS);
  await new Promise<void>((resolve) => sockets.close(() => resolve()));
  clearTimeout(forced);
}

type Enveloped = ReturnType<Yoga['getEnveloped']>;
/** The arguments of an operation, with the functions that run it: `rootValue` as in Yoga's recipe for graphql-ws. */
type EnvelopedArgs = ExecutionArgs & {
  rootValue: Pick<Enveloped, 'execute' | 'subscribe'> & { onStarted: () => void };
};

function protocolOptions(options: WebSocketOptions): ServerOptions<Record<string, unknown>, Connection> {
  const { requests, log } = options;
  return {
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onConnect: ({ connectionParams, extra }) => connect(options, extra, connectionParams),
    // An operation that is refused is answered with an error: the others on the socket go on.
    onSubscribe: ({ extra }, id, payload) => {
      const params = { ...payload };
      // The protocol keeps the message as long as the operation lasts: of a subscription that may be long.
      for (const name of Object.keys(payload)) Reflect.deleteProperty(payload, name);
      if (!extra.operations.areTooMany) return prepareOrRefuse(options, extra, id, params);
      return errorsOf(new AuditError('OVERLOADED', TOO_MANY_OPERATIONS));
    },
    execute: (args: ExecutionArgs) => execute(args as EnvelopedArgs, requests),
    subscribe: (args: ExecutionArgs) => subscribe(args as EnvelopedArgs),
    onNext: (_context, _id, _params, _args, result) => forClient(result, log),
    onError: (_context, _id, _params, errors) => forClient({ errors: errors.flatMap(causesOf) }, log).errors,
  };
}

async function connect(
  { authenticate, peerOf, services: { sessions }, log }: WebSocketOptions,
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
    const { code } = showError(error, log).extensions;
    if (code !== 'UNAUTHENTICATED') connection.socket.close(TRY_AGAIN_LATER, `${code}: try again later`);
    return false; // Closed with 4403.
  }
}

function endWithKey(sessions: Services['sessions'], connection: Connection): void {
  const { viewer, socket } = connection;
  if (!viewer || socket.readyState !== socket.OPEN) return;
  const release = sessions.open(viewer, () => {
    connection.viewer = undefined;
    // After the last messages of the subscriptions, which are on their way.
    setImmediate(() => socket.close(CloseCode.Forbidden, 'Forbidden'));
  });
  socket.once('close', release);
}

/** An operation as the protocol has it. */
interface Operation {
  id: string;
  payload: object;
  /** What was done for it so far. */
  work: Work;
}

async function prepareOrRefuse(
  options: WebSocketOptions,
  connection: Connection,
  id: string,
  payload: object,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const { viewer, work } = connection;
  // Charged with the operation, and no longer with the message.
  connection.work = new Work();
  const prepared = await prepare(options, connection, { id, payload, work }).catch(errorsOf);
  // What is executed is charged then.
  if (viewer && 'length' in prepared) chargeWork({ services: options.services, viewer, work });
  return prepared;
}

async function prepare(
  options: WebSocketOptions,
  connection: Connection,
  { id, payload, work }: Operation,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const { yoga, documents, peerOf, services, log } = options;
  const { viewer, request, bytes } = connection;
  if (!viewer) throw new AuditError('UNAUTHENTICATED', KEY_ENDED);
  services.rates.check(viewer.keyId);
  const params = checkParams(payload);
  const text = documents.textOf(params);
  const checked = options.checks.known(text) ?? (await checkText(options, { viewer, work, bytes }, text));
  const sink = new OperationSink(connection, clientId(id), (result) =>
    JSON.stringify(forClient(result, log)),
  );
  const { schema, parse, validate, contextFactory, execute, subscribe } = yoga.getEnveloped({
    viewer,
    peer: peerOf(request),
    sink,
    work,
    checked,
  } as never);
  const document = parse(text);
  requireOperation(document, params.operationName);
  const errors = validate(schema, document);
  if (errors.length > 0) return errors;
  return {
    schema,
    document,
    operationName: params.operationName,
    variableValues: params.variables,
    contextValue: await contextFactory(),
    rootValue: { execute, subscribe, onStarted: () => connection.operations.started(id) },
  };
}

// Until its document is checked, the message counts as a request that is being answered.
async function checkText(
  { checks, services, requests }: WebSocketOptions,
  { viewer, work, bytes }: Pick<Connection, 'work' | 'bytes'> & { viewer: Viewer },
  text: string,
): Promise<Checked> {
  const request = {};
  requests.enter(request);
  try {
    requests.hold(request, bytes);
    return await checks.check(text, { services, viewer, work });
  } finally {
    requests.leave(request);
  }
}

async function execute(args: EnvelopedArgs, requests: Requests): Promise<ExecutionResult> {
  try {
    requests.enter(args);
    return await args.rootValue.execute(args);
  } catch (error) {
    return { errors: refusedAs(error, args) };
  } finally {
    requests.leave(args);
  }
}

// A subscription that does not begin is an `error` message; graphql-ws would send it as a result.
async function subscribe(args: EnvelopedArgs): Promise<AsyncIterable<ExecutionResult>> {
  try {
    const outcome = await args.rootValue.subscribe(args);
    if (!isIterable<ExecutionResult>(outcome)) return failing(outcome.errors ?? []);
    args.rootValue.onStarted();
    return outcome;
  } catch (error) {
    return failing(refusedAs(error, args));
  }
}

// What was done before is charged all the same.
function refusedAs(error: unknown, { contextValue }: EnvelopedArgs): GraphQLError[] {
  chargeWork(contextValue as Context);
  return errorsOf(error);
}

function failing(errors: readonly GraphQLError[]): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new AggregateError(errors)) }) };
}

function causesOf(error: GraphQLError): GraphQLError[] {
  return error.originalError instanceof AggregateError ? error.originalError.errors : [error];
}

function errorsOf(error: unknown): GraphQLError[] {
  return [error instanceof GraphQLError ? error : new GraphQLError('', { originalError: error as Error })];
}

const MAX_SILENT_PINGS = 5;

/**
 * Pings the socket every `pingMs`, so that nothing in between takes it for idle, and cuts it when nothing at all came
 * from it during five of them. That leaves a slow reader the time to get to a ping behind what it has not read yet.
 */
export function keepAlive(socket: WebSocket, pingMs: number): void {
  let silentPings = 0;
  const heard = () => {
    silentPings = 0;
  };
  for (const event of ['pong', 'ping', 'message']) socket.on(event, heard);
  const timer = setInterval(() => {
    if (silentPings >= MAX_SILENT_PINGS) return socket.terminate();
    silentPings += 1;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, pingMs);
  socket.once('close', () => clearInterval(timer));
}
