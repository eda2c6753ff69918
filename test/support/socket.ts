import { once } from 'node:events';
import { WebSocket } from 'ws';
import { parseJson } from '../../src/parse-json.ts';
import { ADMIN_KEY } from './service.ts';

/** A message of the graphql-transport-ws protocol. */
export interface Message {
  type: string;
  id?: string;
  payload?: unknown;
}

/** A WebSocket that speaks the protocol by hand. */
export interface RawSocket {
  socket: WebSocket;
  send(message: Message): void;
  /** The messages in the order in which they came, each once. Throws when it is closed and there is none. */
  next(): Promise<Message>;
  /** The code with which it was closed. */
  closed: Promise<number>;
}

/** Opens a socket; says nothing. */
export async function openSocket(
  url: string,
  {
    protocols = ['graphql-transport-ws'],
    autoPong = true,
  }: { protocols?: string[]; autoPong?: boolean } = {},
): Promise<RawSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocols, { autoPong });
  const arrived: Message[] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    arrived.push(parseJson(String(data)) as Message);
    wake();
  });
  const closed = once(socket, 'close').then(([code]) => code as number);
  closed.then(
    () => wake(),
    () => wake(),
  );
  await once(socket, 'open');
  return {
    socket,
    closed,
    send: (message) => socket.send(JSON.stringify(message)),
    async next() {
      while (arrived.length === 0) {
        if (socket.readyState === socket.CLOSED) throw new Error('closed without a further message');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return arrived.shift() as Message;
    },
  };
}

/** Opens a socket and gives a key, the admin's by default. */
export async function connectSocket(
  url: string,
  { key = ADMIN_KEY, ...options }: { autoPong?: boolean; key?: string } = {},
): Promise<RawSocket> {
  const raw = await openSocket(url, options);
  raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${key}` } });
  const { type } = await raw.next();
  if (type !== 'connection_ack') throw new Error(`no acknowledgement but ${type}`);
  return raw;
}
