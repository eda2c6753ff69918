import { type Client, createClient } from 'graphql-ws';
import { describe, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Pool } from '../../src/db/pool.ts';
import type { TestDatabase } from '../support/database.ts';
import type { TestService } from '../support/service.ts';
import { serverSentEvents } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { createKey } from './create-key.ts';

let database: TestDatabase;
let here: TestService;
let there: TestService;
let pool: Pool;

test.beforeAll(async ({ createDatabase, startService, createPool }) => {
  database = await createDatabase();
  [here, there] = await Promise.all([startService(database.url), startService(database.url)]);
  pool = createPool(database.url, () => undefined);
});

const QUERY = 'subscription { auditEvents(after: "beginning") { node { position } } }';

interface Reader {
  id: string;
  secret: string;
}

async function createReader(expiresAt?: string): Promise<Reader> {
  const { key, secret } = await createKey(here, {
    name: 'reader',
    scopes: ['EVENTS_READ'],
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  return { id: key.id, secret };
}

async function codeOf(service: TestService, secret: string): Promise<unknown> {
  return (await service.ask('{ __typename }', {}, secret)).errors?.[0]?.extensions.code;
}

const revoke = ({ id }: Reader) => here.ask('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id });

/** The code with which the client's connection was closed. */
async function closeCode(client: Client): Promise<number> {
  return new Promise((resolve) => client.on('closed', (event) => resolve((event as { code: number }).code)));
}

/** Reads to the end and says how it ended; `opened` resolves when the first result is there. */
function follow(results: AsyncIterable<unknown>): { opened: Promise<void>; end: Promise<unknown> } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const read = async () => {
    let last: unknown;
    for await (const result of results) {
      last = result;
      open();
    }
    return last;
  };
  return { opened, end: read().catch((error: unknown) => error) };
}

/** Long enough to connect on a busy machine. The other ways wait as long for the next check of the sessions. */
const LIFE_MS = 5_000;
const ways = [
  ['is revoked over the API', () => createReader(), revoke],
  [
    'is revoked in the database, without a word',
    () => createReader(),
    ({ id }: Reader) => pool.query('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [id]),
  ],
  ['expires', () => createReader(new Date(Date.now() + LIFE_MS).toISOString()), async () => undefined],
] as const;

describe.concurrent.each(ways)('when a key %s', (_way, create, end) => {
  test('every instance refuses it', async ({ expect }) => {
    const reader = await create();
    const codes = () => Promise.all([here, there].map((service) => codeOf(service, reader.secret)));
    expect(await codes()).toEqual([undefined, undefined]);
    await end(reader);
    const refused = ['UNAUTHENTICATED', 'UNAUTHENTICATED'];
    await vi.waitFor(async () => expect(await codes()).toEqual(refused), 30_000);
  });

  test('its WebSockets are told and closed with 4403, everywhere', async ({ expect }) => {
    const reader = await create();
    const clients = [here, there].map((service) => service.live(reader.secret));
    const closed = clients.map(closeCode);
    const follows = clients.map((client) => follow(client.iterate({ query: QUERY })));
    await Promise.all(follows.map(({ opened }) => opened));
    await end(reader);
    const error = { extensions: { code: 'UNAUTHENTICATED' } };
    expect(await Promise.all(follows.map((one) => one.end))).toMatchObject([[error], [error]]);
    expect(await Promise.all(closed)).toEqual([4403, 4403]);
  });

  test('a WebSocket without a subscription is closed with 4403', async ({ expect }) => {
    const reader = await create();
    const client = createClient({
      url: `${there.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${reader.secret}` },
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
    });
    const closed = closeCode(client);
    await new Promise((resolve) => client.on('connected', resolve));
    await end(reader);
    expect(await closed).toBe(4403);
  });

  test('its server-sent events end with an error, everywhere', async ({ expect }) => {
    const reader = await create();
    const follows = [here, there].map(({ url }) =>
      follow(serverSentEvents(url, { query: QUERY, key: reader.secret })),
    );
    await Promise.all(follows.map(({ opened }) => opened));
    await end(reader);
    const last = { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] };
    expect(await Promise.all(follows.map((one) => one.end))).toMatchObject([last, last]);
  });
});
