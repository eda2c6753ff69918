import { Agent, request } from 'node:http';
import { LOG_EVENTS } from './operations/events.ts';
import { ADMIN_KEY } from './service.ts';
import { upTo } from './write.ts';

/** Clients that record one batch after the other, each on a connection that it keeps open, until nothing is there. */
export interface BatchClients {
  /** How many requests had each end: a status with the code of its error, or the code of the error of a connection. */
  ends: Map<string, number>;
  /** Resolves when so many more requests have ended. */
  more(count: number): Promise<void>;
  /** Resolves when each found nobody there. */
  done: Promise<void>;
}

/** Starts so many, with batches of this size. */
export function startBatchClients(url: string, count: number, size: number): BatchClients {
  const ends = new Map<string, number>();
  const input = upTo(size).map((n) => ({
    eventType: 'DATA_UPDATE',
    action: 'batch',
    resourceType: 'document',
    resourceId: `document-${n}`,
    details: { text: 'x'.repeat(100) },
  }));
  const body = Buffer.from(JSON.stringify({ query: `${LOG_EVENTS}`, variables: { input } }));
  let ended = 0;
  let wake: () => void = () => undefined;

  async function run(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let end = ''; end !== 'ECONNREFUSED'; ) {
      end = await post(url, agent, body);
      ended += 1;
      ends.set(end, (ends.get(end) ?? 0) + 1);
      wake();
    }
    agent.destroy();
  }

  const done = Promise.all(upTo(count).map(run)).then(() => undefined);
  return {
    ends,
    done,
    async more(wanted) {
      const until = ended + wanted;
      while (ended < until)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    },
  };
}

function post(url: string, agent: Agent, body: Buffer): Promise<string> {
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
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.once('error', fail);
      response.once('end', () => {
        const { errors } = JSON.parse(text) as { errors?: { extensions: { code: string } }[] };
        resolve(`${response.statusCode} ${errors?.[0]?.extensions.code ?? 'recorded'}`);
      });
    });
    posted.end(body);
  });
}
