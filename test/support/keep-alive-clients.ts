import { Agent, request } from 'node:http';
import { ADMIN_KEY } from './service.ts';
import { upTo } from './write.ts';

/** Clients that record one event after the other, each on a connection that it keeps open. */
export interface KeepAliveClients {
  /** How many requests had each end: a status and its `connection`, or the code of an error. */
  ends: Map<string, number>;
  /** Resolves when so many more requests have ended. */
  more(count: number): Promise<void>;
  /** Resolves when each has ended its last request, after which no more begins; returns how many were recorded. */
  stop(): Promise<number>;
}

const LOG = 'mutation ($input: LogEventInput!) { logEvent(input: $input) { status } }';

/** Starts so many; with `isOnce`, each ends with its first error, since nothing is there any more. */
export function startKeepAliveClients(url: string, count: number, isOnce = false): KeepAliveClients {
  const ends = new Map<string, number>();
  let recorded = 0;
  let ended = 0;
  let isStopping = false;
  let wake: () => void = () => undefined;
  const body = JSON.stringify({
    query: LOG,
    variables: { input: { eventType: 'DATA_UPDATE', action: 'kept' } },
  });

  async function run(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!isStopping) {
      const end = await post(url, agent, body);
      ended += 1;
      ends.set(end, (ends.get(end) ?? 0) + 1);
      if (end.startsWith('200')) recorded += 1;
      wake();
      if (isOnce && end.startsWith('E')) break;
    }
    agent.destroy();
  }

  const runs = Promise.all(upTo(count).map(run));
  return {
    ends,
    async more(wanted) {
      const until = ended + wanted;
      while (ended < until)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    },
    async stop() {
      isStopping = true;
      await runs;
      return recorded;
    },
  };
}

function post(url: string, agent: Agent, body: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      authorization: `Bearer ${ADMIN_KEY}`,
    };
    const posted = request(`${url}/graphql`, { method: 'POST', agent, headers });
    const fail = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
    posted.once('error', fail);
    posted.once('response', (response) => {
      response.once('error', fail);
      response.once('end', () => resolve(`${response.statusCode} ${response.headers.connection}`));
      response.resume();
    });
    posted.end(body);
  });
}
