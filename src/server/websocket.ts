import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { RequestWork } from '../auth/request-work.ts';
import { GRAPHQL_PATH } from './request.ts';
import {
  admitMessage,
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
/** A client that sends further messages while so much waits to be sent to it does not read its answers. */
const MAX_UNREAD_BYTES = 16_777_216;
/** RFC 6455, 7.4.1: the service stops. */
const GOING_AWAY = 1001;

/**
 * Serves the API over WebSocket (graphql-transport-ws) on the same path, with Yoga's plugins. By graphql-ws's
 * `makeServer().opened` and not by `graphql-ws/use/ws`: messages are read strictly before the protocol sees them, a socket
 * may miss five pings, and an event is sent when the one before has left the process.
 * Returns the closing, which says 1001 to every client at once and waits two seconds at most for them to take it. Subscriptions are not
 * completed: they have not come to an end, and clients take up again what was cut, not what was completed.
 */
export function serveWebSockets(options: WebSocketOptions): () => Promise<void> {
  const { server, keepAliveMs, log, outputBuffer } = options;
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
    const send = createSend(socket, outputBuffer);
    const connection: Connection = {
      socket,
      request,
      send,
      isAdmitted: false,
      unauthenticatedMessages: 0,
      work: new RequestWork(),
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
          if (socket.bufferedAmount > MAX_UNREAD_BYTES) return socket.terminate();
          const refusal = admitMessage(options, connection, data.length);
          if (refusal) return socket.close(refusal.code, refusal.reason);
          connection.bytes = data.length;
          const message = connection.work.measure(() => readMessage(data, isBinary));
          if ('refusal' in message) socket.close(CloseCode.BadRequest, message.refusal);
          else handleMessage(connection, message.value, { listener, onFailure });
          spendMessageWork(options, connection);
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

async function closeAll(sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.close(GOING_AWAY, 'the service stops');
  const forced = setTimeout(() => {
    for (const socket of sockets.clients) socket.terminate();
  }, CLOSE_TIMEOUT_MS);
  await new Promise<void>((resolve) => sockets.close(() => resolve()));
  clearTimeout(forced);
}
