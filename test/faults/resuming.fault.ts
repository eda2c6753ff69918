import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { ADMIN_KEY, dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

// The examples of docs/feed.md, as they stand there, through connections that are cut.

const ROOT = join(import.meta.dirname, '../..');
const WAIT = { timeout: 30_000, interval: 20 };

interface Edge {
  cursor: string;
  node: { id: string; action: string };
}
type Follow = (options: {
  url: string;
  key: string;
  after: string;
  onEdge: (edge: Edge) => void;
  onError: (error: unknown) => void;
}) => () => unknown;

const DOCUMENT = readFileSync(join(ROOT, 'docs/feed.md'), 'utf8');
const EXAMPLES = [...DOCUMENT.matchAll(/^```js\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)].map(
  ([, name, text]) => [name, text] as [string, string],
);
const NEWEST = /^```graphql\n([\s\S]*?)^```$/m.exec(DOCUMENT)?.[1] as string;

let folder: string;
let database: TestDatabase;
let service: TestService;
let proxy: Server;
let url: string;
let isCut = false;
let cuts = 0;
const sockets = new Set<Socket>();

test.beforeAll(async ({ createDatabase, startService }) => {
  // Where they find the packages.
  folder = mkdtempSync(join(ROOT, 'node_modules/.examples-'));
  for (const [name, text] of EXAMPLES) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  database = await createDatabase();
  service = await startService(database.url);
  const target = new URL(service.url);
  proxy = createServer((near) => {
    cuts += isCut ? 1 : 0;
    const far = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    if (isCut) near.destroy();
    else near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/graphql`;
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const socket of sockets) socket.destroy();
  proxy.close();
});

let stop: (() => unknown) | undefined;
beforeEach(() => {
  isCut = false;
  cuts = 0;
});
afterEach(async () => {
  await stop?.();
  stop = undefined;
  await subscribers(0);
});

const subscribers = (count: number) => vi.waitFor(() => expect(service.countSubscribers()).toBe(count), WAIT);

/** Cuts what is open; what a client opens until the work is done is cut as well, once at least. */
async function whileCut(work: () => Promise<unknown>): Promise<void> {
  isCut = true;
  cuts = 0;
  for (const socket of sockets) socket.destroy();
  await subscribers(0);
  await work();
  await vi.waitFor(() => expect(cuts).toBeGreaterThan(0), WAIT);
  isCut = false;
}

async function newestCursor(): Promise<string> {
  const { auditEvents } = dataOf(await service.ask<{ auditEvents: { edges: Edge[] } }>(NEWEST));
  return auditEvents.edges[0]?.cursor ?? 'beginning';
}

const CLIENTS = ['with-graphql-ws.js', 'with-graphql-sse.js', 'with-urql.js', 'with-apollo.js'];

test('each client has its example', () => {
  expect(EXAMPLES.map(([name]) => name).sort()).toEqual(['resuming.js', ...CLIENTS].sort());
});

describe.each(CLIENTS)('%s', (name) => {
  async function start(after: string): Promise<{ actions: string[]; failures: unknown[] }> {
    const { follow } = (await import(pathToFileURL(join(folder, name)).href)) as { follow: Follow };
    const actions: string[] = [];
    const failures: unknown[] = [];
    stop = follow({
      url,
      key: ADMIN_KEY,
      after,
      onEdge: ({ node }) => actions.push(node.action),
      onError: (error) => failures.push(error),
    });
    await subscribers(1);
    return { actions, failures };
  }
  const log = (prefix: string, count: number) => logWarnings(service, count, { prefix: `${name}-${prefix}` });
  const named = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${name}-${prefix}${n}`);

  test('gets every event once, whatever was recorded while the connection was cut', async () => {
    const { actions, failures } = await start(await newestCursor());
    // Nothing has come yet that could say where to go on.
    await whileCut(() => log('a', 3));
    await vi.waitFor(() => expect(actions).toHaveLength(3), WAIT);
    await log('b', 2);
    await vi.waitFor(() => expect(actions).toHaveLength(5), WAIT);
    await whileCut(() => log('c', 4));
    await vi.waitFor(() => expect(actions).toHaveLength(9), WAIT);
    await log('d', 1);
    await vi.waitFor(() => expect(actions).toHaveLength(10), WAIT);
    expect(actions).toEqual([...named('a', 3), ...named('b', 2), ...named('c', 4), ...named('d', 1)]);
    expect(failures).toEqual([]);
  });

  test('is told what ends its subscription', async () => {
    const { follow } = (await import(pathToFileURL(join(folder, name)).href)) as { follow: Follow };
    const failure = await new Promise((resolve) => {
      stop = follow({ url, key: ADMIN_KEY, after: 'nowhere', onEdge: () => undefined, onError: resolve });
    });
    expect(inspect(failure, { depth: 5 })).toContain('BAD_USER_INPUT');
  });

  test('is told that its key is refused', async () => {
    const { follow } = (await import(pathToFileURL(join(folder, name)).href)) as { follow: Follow };
    const failure = await new Promise((resolve) => {
      const key = `${ADMIN_KEY}-not`;
      stop = follow({ url, key, after: 'beginning', onEdge: () => undefined, onError: resolve });
    });
    expect(inspect(failure, { depth: 5 })).toMatch(/4403|refuses the key/);
  });
});
