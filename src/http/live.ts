import type { Server } from 'node:http';
import { CloseCode, handleProtocols } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { Work } from '../access/rate/work.ts';
import { GRAPHQL_PATH } from './graphql-route.ts';
import { keepAlive } from './keep-alive.ts';
import { admitMessage, chargeMessage } from './live-charges.ts';
import { type Connection, createLiveProtocol, type LiveProtocolOptions } from './live-protocol.ts';
import type { Unsent } from './unsent.ts';
import { readMessage, type UpgradeRules, verifyUpgrade } from './upgrade.ts';

const CLOSE_TIMEOUT_MS = 2_000;
const MAX_PAYLOAD_BYTES = 1_048_576;
const MAX_BUFFERED_BYTES = 16_777_216;
/** RFC 6455, 7.4.1: the service stops. */
const GOING_AWAY = 1001;

export interface LiveOptions extends LiveProtocolOptions, UpgradeRules {
  server: Server;
  /** Time between two pings of a socket. */
  keepAliveMs: number;
  unsent: Unsent;
}

/**
 * Serves the GraphQL API over WebSocket on the same path. An event is sent when the one before has left the process, so
 * a client that does not read holds one event for each of its subscriptions.
 * Returns the closing, which says 1001 to every client at once and waits two seconds at most for them to take it.
 * Subscriptions are not completed: they have not come to an end, and clients take up again what was cut, not what was
 * completed.
 */
export function serveLive(options: LiveOptions): () => Promise<void> {
  const { server, keepAliveMs, log } = options;
  const protocol = createLiveProtocol(options);
  const sockets = new WebSocketServer({
    server,
    path: GRAPHQL_PATH,
    maxPayload: MAX_PAYLOAD_BYTES,
    handleProtocols,
    verifyClient: verifyUpgrade(options),
  });
  // The server's errors come here too, and would end the process: who starts the server gets them.
  sockets.on('error', () => undefined);
  sockets.on('connection', (socket, request) => {
    const problem = (error: Error) => log.warn({ cause: error.message }, 'a WebSocket had a problem');
    socket.on('error', problem);
    keepAlive(socket, keepAliveMs);
    const { send, ...ways } = sending(socket, options.unsent);
    const connection: Connection = {
      socket,
      request,
      send,
      isAdmitted: false,
      strangersMessages: 0,
      work: new Work(),
    };
    const onMessage = (listener: (text: string) => Promise<void>) =>
      socket.on('message', (data: Buffer, isBinary) => {
        // What was sent before the close arrived there.
        if (socket.readyState !== socket.OPEN) return;
        // It asks and asks without reading the answers.
        if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return socket.terminate();
        const refusal = admitMessage(options, connection, data.length);
        if (refusal) return socket.close(refusal.code, refusal.reason);
        const message = connection.work.measure(() => readMessage(data, isBinary));
        if ('refusal' in message) socket.close(CloseCode.BadRequest, message.refusal);
        // The protocol parses texts itself, and takes what is parsed.
        else
          listener(message.value as string).catch((error: Error) => {
            problem(error);
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          });
        chargeMessage(options, connection);
      });
    const closed = protocol.opened({ ...ways, send, onMessage }, connection);
    socket.once('close', (code, reason) => closed(code, String(reason)).catch(problem));
  });
  return () => close(sockets);
}

function sending(socket: WebSocket, unsent: Unsent) {
  // What is sent while a socket closes waits for the end of it, so that nobody reads the log for nothing.
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const send = (data: string | Buffer) =>
    new Promise<void>((resolve, reject) => {
      const release = unsent.hold(data.length, () => socket.terminate());
      socket.send(data, { binary: false }, (error) => {
        release();
        if (error) reject(error);
        else resolve();
      });
    });
  return {
    protocol: socket.protocol,
    send: (data: string | Buffer) => (socket.readyState === socket.OPEN ? send(data) : gone),
    close: (code?: number, reason?: string) => socket.close(code, reason),
  };
}

async function close(sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.close(GOING_AWAY, 'the service stops');
  const forced = setTimeout(() => {
    for (const socket of sockets.clients) socket.terminate();
  }, CLOSE_TIMEOUT_MS);
  await new Promise<void>((resolve) => sockets.close(() => resolve()));
  clearTimeout(forced);
}
