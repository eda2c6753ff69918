import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { textFrame } from '../../src/http/text-frame.ts';

// Around every length at which the head of a frame changes its form.
const LENGTHS = [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537, 1_000_000];

let server: Server;
let sockets: WebSocketServer;

beforeAll(async () => {
  server = createServer();
  sockets = new WebSocketServer({ server });
  sockets.on('connection', (_, { socket }) => {
    for (const [head, body] of messages()) socket.write(textFrame(Buffer.from(head), Buffer.from(body)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  sockets.close();
  server.close();
});

function messages(): [head: string, body: string][] {
  return LENGTHS.flatMap((length): [string, string][] => {
    const text = 'x'.repeat(length);
    const at = Math.floor(length / 3);
    return [
      [text.slice(0, at), text.slice(at)],
      [`${text.slice(0, at)}ä`, `${text.slice(at)}\u{1f512}`],
    ];
  });
}

test('a client reads what was written as one text message, whatever its length', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const wanted = messages().map((parts) => parts.join(''));
  const got: string[] = [];
  client.on('message', (data, isBinary) => {
    expect(isBinary).toBe(false);
    got.push(String(data));
    if (got.length === wanted.length) client.terminate();
  });
  await once(client, 'close');
  expect(got.map((text) => text.length)).toEqual(wanted.map((text) => text.length));
  expect(got).toEqual(wanted);
});
