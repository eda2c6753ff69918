import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { eventOf } from '../events.ts';

// The least that a fan-out can cost: at a word from one socket, one ready-made frame is written to every socket.
const sockets = new Set<Duplex>();
const frame = frameOf(
  JSON.stringify({
    type: 'next',
    id: '1',
    payload: { data: { auditEvents: { cursor: 'cursor', node: nodeOf() } } },
  }),
);
const server = createServer();
const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on('upgrade', (request, socket, head) => {
  upgrades.handleUpgrade(request, socket, head, (webSocket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    webSocket.on('message', (data: Buffer) => onMessage(webSocket, data.toString()));
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listens at http://127.0.0.1:${port}/graphql\n`);
});
process.once('SIGTERM', () => process.exit(0));

function onMessage(webSocket: WebSocket, text: string): void {
  if (text === 'all') for (const socket of sockets) socket.write(frame);
  else if (text.includes('connection_init')) webSocket.send('{"type":"connection_ack"}');
  else if (text.includes('"ping"')) webSocket.send('{"type":"pong"}');
}

function nodeOf(): object {
  const { details: _details, ...event } = eventOf(1);
  return event;
}

/** An unmasked text frame (RFC 6455, 5.2) of less than 64 KiB. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, payload]);
}
