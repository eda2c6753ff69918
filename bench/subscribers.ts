import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A socket that speaks graphql-transport-ws, as lean as can be: thousands of them share a processor. */
export interface Live {
  send(text: string): void;
  close(): void;
  socket: WebSocket;
}

const SUBSCRIBE = JSON.stringify({
  type: 'subscribe',
  id: '1',
  payload: {
    query: `subscription Follow { auditEvents(after: "beginning") { cursor node {
      id position timestamp eventType outcome severity userId customerId ipAddress resourceType resourceId action description
    } } }`,
  },
});

/** Opens a socket and is acknowledged. */
export async function openLive(url: string, key?: string): Promise<Live> {
  const socket = new WebSocket(url.replace('http', 'ws'), ['graphql-transport-ws'], {
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  const payload = key === undefined ? {} : { Authorization: `Bearer ${key}` };
  socket.send(JSON.stringify({ type: 'connection_init', payload }));
  await once(socket, 'message');
  return { socket, send: (text) => socket.send(text), close: () => socket.terminate() };
}

/**
 * Subscribes to every event of the log, and resolves when the server has heard it. It is not live yet then: the server
 * still looks where the log begins.
 */
export async function subscribe({ socket }: Live, onEvent: () => void): Promise<void> {
  socket.on('message', (data: Buffer) => {
    if (data.includes('"next"')) onEvent();
    else if (data.includes('"error"')) throw new Error(`a subscription was refused: ${data}`);
  });
  socket.send(SUBSCRIBE);
  const pong = new Promise<void>((resolve) => {
    const onMessage = (data: Buffer) => {
      if (!data.includes('"pong"')) return;
      socket.off('message', onMessage);
      resolve();
    };
    socket.on('message', onMessage);
  });
  socket.send(JSON.stringify({ type: 'ping' }));
  await pong;
}
