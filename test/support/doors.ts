import { createSecret } from '../../src/auth/api-keys.ts';
import { ADMIN_KEY, type Answer } from './service.ts';
import { openSocket } from './socket.ts';
import { openStream, resultsOf } from './sse.ts';

/** What a client is told at one of the ways into the service. */
export interface Told {
  door: string;
  /** Of HTTP; 0 for a WebSocket. */
  status: number;
  /** Of the first error; undefined: it was served. */
  code?: string | undefined;
  /** Whether the error says when to try again, in the extensions, in a header, or by the close code that means it. */
  saysWhen: boolean;
}

const EVENT = '{ eventType: DATA_READ, action: "door" }';
const GRAPHQL = {
  'a page of events': '{ auditEvents(first: 5) { edges { node { id } } totalCount } }',
  'a summary': '{ auditSummary { totalEvents } }',
  'an export': '{ auditExport(format: NDJSON) { url } }',
  'a checkpoint': '{ checkpoint { note } }',
  'the keys': '{ apiKeys { id } }',
  'a new key': 'mutation { createApiKey(name: "door", scopes: [EVENTS_READ]) { key { id } } }',
  'an event': `mutation { logEvent(input: ${EVENT}) { status } }`,
  'a batch': `mutation { logEvents(input: [${EVENT}]) { recorded } }`,
  'a purge': 'mutation { purgeEvents(olderThanDays: 36500) { purged } }',
};
const SUBSCRIPTION = 'subscription { auditEvents(after: "beginning") { cursor } }';
const PATHS = ['checkpoint', 'tile/0/000', 'tile/entries/000', 'customers/nobody/checkpoint'];

/** Asks at every door of a service, with a link of an export that was made before. */
export function knockAll(url: string, exportUrl: string): Promise<Told[]> {
  return Promise.all([
    ...Object.entries(GRAPHQL).map(([door, query]) => overHttp(door, url, query)),
    // A key that nobody remembers has to be looked up.
    overHttp('an unknown key', url, GRAPHQL['an event'], createSecret()),
    ...PATHS.map((path) => overPath(path, `${url}/${path}`)),
    overPath('the file of an export', exportUrl),
    overEvents('server-sent events', url),
    overSocket('a WebSocket', url, ADMIN_KEY),
    overSocket('a WebSocket with an unknown key', url, createSecret()),
  ]);
}

/** The link of an export of a service that works. */
export async function exportLink(url: string): Promise<string> {
  const response = await fetch(`${url}/graphql`, asked(GRAPHQL['an export']));
  const { data } = (await response.json()) as { data: { auditExport: { url: string } } };
  return data.auditExport.url;
}

function asked(query: string, key = ADMIN_KEY): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
  };
}

async function overHttp(door: string, url: string, query: string, key?: string): Promise<Told> {
  return toldBy(door, await fetch(`${url}/graphql`, asked(query, key)));
}

async function overPath(door: string, url: string): Promise<Told> {
  return toldBy(door, await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } }));
}

async function toldBy(door: string, response: Response): Promise<Told> {
  const text = await response.text();
  const isJson = /^application\/(graphql-response\+)?json/.test(response.headers.get('content-type') ?? '');
  const { errors } = isJson ? (JSON.parse(text) as Answer) : {};
  const { code, retryAfterMs } = errors?.[0]?.extensions ?? {};
  const saysWhen = typeof retryAfterMs === 'number' && response.headers.has('retry-after');
  return { door, status: response.status, code: code as string | undefined, saysWhen };
}

async function overEvents(door: string, url: string): Promise<Told> {
  const stream = await openStream(url, SUBSCRIPTION);
  try {
    for await (const { errors } of resultsOf<Answer>(stream)) {
      const { code, retryAfterMs } = errors?.[0]?.extensions ?? {};
      return {
        door,
        status: stream.status,
        code: code as string | undefined,
        saysWhen: typeof retryAfterMs === 'number',
      };
    }
    return { door, status: stream.status, code: 'nothing', saysWhen: false };
  } finally {
    stream.disconnect();
  }
}

async function overSocket(door: string, url: string, key: string): Promise<Told> {
  const raw = await openSocket(url);
  const closed = new Promise<Told>((resolve) => {
    raw.socket.once('close', (closeCode, reason) =>
      resolve({ door, status: 0, code: String(reason).split(':')[0], saysWhen: closeCode === 1013 }),
    );
  });
  raw.send({ type: 'connection_init', payload: { Authorization: `Bearer ${key}` } });
  const first = raw.next().then(async ({ type }): Promise<Told> => {
    if (type !== 'connection_ack') return { door, status: 0, code: type, saysWhen: false };
    raw.send({ type: 'subscribe', id: '1', payload: { query: SUBSCRIPTION } });
    const { payload } = await raw.next();
    const errors = Array.isArray(payload) ? payload : (payload as Answer | undefined)?.errors;
    const { code, retryAfterMs } = errors?.[0]?.extensions ?? {};
    return { door, status: 0, code, saysWhen: typeof retryAfterMs === 'number' };
  });
  try {
    return await Promise.race([closed, first.catch(() => closed)]);
  } finally {
    raw.socket.terminate();
  }
}
