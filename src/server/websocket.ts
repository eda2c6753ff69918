import type { IncomingMessage } from 'node:http';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { RequestWork } from '../auth/request-work.ts';
import { GRAPHQL_PATH } from './request.ts';
import {
  admitMessage,
  CLOSE_CODES,
  type Connection,
  createSend,
  keepAlive,
  onMessageInTurns,
  readMessage,
  spendMessageWork,
  verifyUpgrade,
  type WebSocketOptions,
} from './websocket-connection.ts';
import { OperationIds, withClientId } from './websocket-operation-ids.ts';
import { protocolOptions } from './websocket-operations.ts';

const CLOSE_TIMEOUT_MS = 2_000;
const MAX_PAYLOAD_BYTES = 1_048_576;
/** A client that sends a message while more bytes than this wait to be sent to it does not read its responses. */
const MAX_UNREAD_BYTES = 16_777_216;

/**
 * Serves the API over WebSocket (graphql-transport-ws) on the same path, with Yoga's plugins. Uses graphql-ws'
 * `makeServer().opened` and not `graphql-ws/use/ws`: messages are read strictly before graphql-ws gets them, a socket may
 * miss five pings, and an event is sent when the one before has left the process.
 *
 * Returns the function that closes all sockets with 1001 and waits two seconds at most. It does not complete subscriptions:
 * clients resume a subscription that was cut, but not one that was completed.
 */
export function serveWebSockets(options: WebSocketOptions): () => Promise<void> {
  const protocol: Protocol = makeServer(protocolOptions(options));
  const sockets = new WebSocketServer({
    server: options.server,
    path: GRAPHQL_PATH,
    maxPayload: MAX_PAYLOAD_BYTES,
    handleProtocols,
    verifyClient: verifyUpgrade(options),
  });
  // ws emits the HTTP server's errors here too. Without a listener they would end the process; `listen` handles them.
  sockets.on('error', () => undefined);
  sockets.on('connection', (socket, request) => serveSocket(options, protocol, { socket, request }));
  return () => closeAll(sockets);
}

type Protocol = Server<Connection>;

/** Connects a socket with graphql-ws, until the socket is closed. */
function serveSocket(
  options: WebSocketOptions,
  protocol: Protocol,
  { socket, request }: { socket: WebSocket; request: IncomingMessage },
): void {
  const { keepAliveMs, log, outputBuffer } = options;
  const onProblem = (error: Error) => log.warn({ cause: error.message }, 'a WebSocket had a problem');
  const onFailure = (error: Error) => {
    onProblem(error);
    socket.close(CloseCode.InternalServerError, 'Internal server error');
  };
  socket.on('error', onProblem);
  keepAlive(socket, keepAliveMs);
  const connection: Connection = {
    socket,
    request,
    send: createSend(socket, outputBuffer),
    isAdmitted: false,
    unauthenticatedMessages: 0,
    work: new RequestWork(),
    bytes: 0,
    operations: new OperationIds(),
  };
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => connection.send(withClientId(text)),
      close: (code, reason) => socket.close(code, reason),
      onMessage(listener) {
        const receiver = { options, connection, listener, onFailure };
        onMessageInTurns(socket, (data, isBinary) => receiveMessage(receiver, data, isBinary), onFailure);
      },
    },
    connection,
  );
  socket.once('close', (code, reason) => closed(code, String(reason)).catch(onProblem));
}

/** The receiver of the messages of a connection. */
interface MessageReceiver {
  options: WebSocketOptions;
  connection: Connection;
  /** Handles a message in graphql-ws. Resolves when its operation has ended. */
  listener: (message: string) => Promise<void>;
  onFailure: (error: Error) => void;
}

/** Checks a message, reads it, and passes it to graphql-ws. Closes the socket when the message is refused. */
function receiveMessage(receiver: MessageReceiver, data: Buffer, isBinary: boolean): void {
  const { options, connection } = receiver;
  const { socket, work } = connection;
  // The client sent it before it received the close.
  if (socket.readyState !== socket.OPEN) return;
  // The client sends requests without reading the responses.
  if (socket.bufferedAmount > MAX_UNREAD_BYTES) return void socket.terminate();
  const refusal = admitMessage(options, connection, data.length);
  if (refusal) return void socket.close(refusal.code, refusal.reason);
  connection.bytes = data.length;
  const message = work.measure(() => readMessage(data, isBinary));
  if ('refusal' in message) socket.close(CloseCode.BadRequest, message.refusal);
  else startOperation(receiver, message.value);
  spendMessageWork(options, connection);
}

// A separate function, so that the promise, which lasts as long as the operation, does not keep the message in memory.
function startOperation({ connection, listener, onFailure }: MessageReceiver, message: unknown): void {
  const taken = connection.operations.take(message);
  if ('refusal' in taken) return void connection.socket.close(taken.code, taken.refusal);
  // graphql-ws also accepts a parsed message in the place of its text.
  listener(taken.message as string)
    .finally(taken.release)
    .catch(onFailure);
}

async function closeAll(sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.close(CLOSE_CODES.goingAway, 'the service stops');
  const forced = setTimeout(() => {
    for (const socket of sockets.clients) socket.terminate();
  }, CLOSE_TIMEOUT_MS);
  await new Promise<void>((resolve) => sockets.close(() => resolve()));
  clearTimeout(forced);
}
