import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** The time between two questions to an instance whether it is ready. */
const CHECK_MS = 50;
const CHECK_TIMEOUT_MS = 5_000;
/** For how long it keeps an idle connection: less than the instances do. */
const IDLE_MS = 10_000;

/**
 * A proxy that sends each request to the next of several instances, on connections that it keeps open. It asks each
 * whether it is ready, and leaves out those that are not.
 */
export interface Balancer {
  url: string;
  /** What went wrong with a request that an instance had got: its client saw 502. */
  problems: string[];
  /** Resolves when it sends requests to the instance. */
  has(url: string): Promise<void>;
  close(): Promise<void>;
}

interface Instance {
  url: string;
  agent: Agent;
  isReady: boolean;
}

/**
 * Starts one for instances at these URLs. Where there is no connection, nothing was sent, and the next instance gets the
 * request. What was sent is never sent again: it may have been a mutation.
 */
export async function startBalancer(urls: readonly string[]): Promise<Balancer> {
  const problems: string[] = [];
  const instances = urls.map(createInstance);
  const stopped = new AbortController();
  let waiting: (() => void)[] = [];
  let turn = 0;

  async function watch(instance: Instance): Promise<void> {
    while (!stopped.signal.aborted) {
      instance.isReady = (await statusOf(`${instance.url}/health/ready`)) === 200;
      if (!instance.isReady) closeIdle(instance);
      for (const resolve of waiting) resolve();
      waiting = [];
      await setTimeout(CHECK_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  }

  // When none is ready each may be tried, since a request must go somewhere.
  function next(): Instance[] {
    turn += 1;
    const inTurn = instances.map((_, n) => instances[(turn + n) % instances.length] as Instance);
    return [...inTurn.filter(({ isReady }) => isReady), ...inTurn.filter(({ isReady }) => !isReady)];
  }

  function pass(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    body: Buffer,
    [{ url, agent }, ...others]: [Instance, ...Instance[]],
  ): void {
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
      if (error.code === 'ECONNREFUSED' && others.length > 0)
        return pass(incoming, outgoing, body, others as [Instance, ...Instance[]]);
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
    pass(incoming, outgoing, Buffer.concat(chunks), next() as [Instance, ...Instance[]]);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const watching = instances.map(watch);
  return {
    url: `http://127.0.0.1:${port}`,
    problems,
    async has(url) {
      while (!instances.some((instance) => instance.url === url && instance.isReady))
        await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async close() {
      stopped.abort();
      await Promise.all(watching);
      for (const { agent } of instances) agent.destroy();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function createInstance(url: string): Instance {
  return { url, agent: new Agent({ keepAlive: true, timeout: IDLE_MS }), isReady: true };
}

// As balancers do with the connections to an instance that they have left.
function closeIdle({ agent }: Instance): void {
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

/** The status of an answer on a connection of its own; undefined when there is none. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = get(url, { agent: false, timeout: CHECK_TIMEOUT_MS }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(undefined));
  });
}
