import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that sends each request to the next of several instances, on connections that it keeps open. */
export interface Balancer {
  url: string;
  /** What went wrong with a request that an instance had got: its client saw 502. */
  problems: string[];
  close(): Promise<void>;
}

/** Which instance gets a request, and how many others there are to try. */
interface Place {
  at: number;
  others: number;
}

/**
 * Starts one for instances at these URLs. Where there is no connection, nothing was sent, and the next instance gets the
 * request. What was sent is never sent again: it may have been a mutation.
 */
export async function startBalancer(urls: readonly string[]): Promise<Balancer> {
  const problems: string[] = [];
  const instances = urls.map((url) => ({ url, agent: new Agent({ keepAlive: true }) }));
  let turn = 0;

  function pass(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer, place: Place): void {
    const { url, agent } = instances[place.at % instances.length] as (typeof instances)[number];
    const headers = { ...incoming.headers, host: new URL(url).host, 'content-length': String(body.length) };
    delete headers.connection;
    const passed = request(`${url}${incoming.url}`, { method: incoming.method, headers, agent });
    passed.once('response', (answer) => {
      const { connection: _connection, 'keep-alive': _keepAlive, ...own } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, own);
      answer.pipe(outgoing);
      answer.once('error', () => outgoing.destroy());
    });
    passed.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' && place.others > 0)
        return pass(incoming, outgoing, body, { at: place.at + 1, others: place.others - 1 });
      problems.push(
        `${error.code ?? error.message}, ${passed.reusedSocket ? 'on a used' : 'on a new'} connection`,
      );
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end();
    });
    passed.end(body);
  }

  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    turn += 1;
    pass(incoming, outgoing, Buffer.concat(chunks), { at: turn, others: instances.length - 1 });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    problems,
    async close() {
      for (const { agent } of instances) agent.destroy();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
