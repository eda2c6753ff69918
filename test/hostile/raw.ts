import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ADMIN_KEY } from '../support/service.ts';

/** An answer as it came over the wire. */
export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A connection to the service, below HTTP. */
export async function openRaw(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Everything that arrives until the service closes the connection. */
export async function answerOf(socket: Socket): Promise<RawAnswer> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return parse(text);
}

/** Sends bytes as they are, and reads to the end. */
export async function sendRaw(url: string, bytes: string | Uint8Array): Promise<RawAnswer> {
  const socket = await openRaw(url);
  const answer = answerOf(socket);
  socket.write(bytes);
  return answer;
}

/** A POST to the API as text, which asks for the connection to be closed after the answer. */
export function requestText(headers: Record<string, string | undefined>, body = ''): string {
  const all = {
    host: '127.0.0.1',
    authorization: `Bearer ${ADMIN_KEY}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined);
  return `POST /graphql HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/** The code of an answer that is nothing but an error. */
export function codeOf({ body }: { body: string }): string {
  const { errors } = JSON.parse(body) as { errors: [{ extensions: { code: string } }] };
  return errors[0].extensions.code;
}

function parse(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [line = '', ...lines] = head.split('\r\n');
  const headers = lines.map((header) => {
    const colon = header.indexOf(':');
    return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()] as const;
  });
  const body = rest.join('\r\n\r\n');
  return {
    status: Number(line.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: /chunked/.test(head) ? unchunked(body) : body,
  };
}

function unchunked(body: string): string {
  const [, size = '0'] = /^([\da-f]+)\r\n/i.exec(body) ?? [];
  const start = size.length + 2;
  const length = Number.parseInt(size, 16);
  return length === 0 ? '' : body.slice(start, start + length) + unchunked(body.slice(start + length + 2));
}
