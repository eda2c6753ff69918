import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that does what it is told, and counts how often. */
export interface Rogue {
  url: string;
  /** The requests so far, with their bodies. */
  requests: { method: string | undefined; type: string | undefined; body: string }[];
  stop(): Promise<void>;
}

/** Starts it on loopback; it reads each request whole before it answers. */
export async function startRogue(answer: RequestListener): Promise<Rogue> {
  const requests: Rogue['requests'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests.push({
      method: request.method,
      type: request.headers['content-type'],
      body: Buffer.concat(chunks).toString(),
    });
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async stop() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}
