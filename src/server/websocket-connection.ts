import type { IncomingMessage, Server } from 'node:http';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { Authenticate } from '../access/authenticate.ts';
import type { Work } from '../access/rate/work.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Services } from '../graphql/context.ts';
import type { PeerOf } from './client-address.ts';
import type { DocumentChecks } from './documents.ts';
import type { Requests } from './in-flight.ts';
import type { OperationIds } from './operation-ids.ts';
import type { Unsent } from './output-buffer.ts';
import type { PersistedDocuments } from './persisted-documents.ts';
import type { UpgradeRules } from './upgrade.ts';
import type { Yoga } from './yoga.ts';

/** Registered close code: the service cannot take this now. */
export const TRY_AGAIN_LATER = 1013;

export interface WebSocketOptions extends UpgradeRules {
  server: Server;
  yoga: Yoga;
  authenticate: Authenticate;
  peerOf: PeerOf;
  services: Services;
  documents: PersistedDocuments;
  checks: DocumentChecks;
  requests: Requests;
  outputBuffer: Unsent;
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

/** Makes the sending of messages on a socket. */
export function createSend(socket: WebSocket, outputBuffer: Unsent): Connection['send'] {
  // What is sent while a socket closes waits for the end of it, so that nobody reads the log for nothing.
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return (data) => {
    if (socket.readyState !== socket.OPEN) return gone;
    return new Promise<void>((resolve, reject) => {
      const release = outputBuffer.hold(data.length, () => socket.terminate());
      socket.send(data, { binary: false }, (error) => {
        release();
        if (error) reject(error);
        else resolve();
      });
    });
  };
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
