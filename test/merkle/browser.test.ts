import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, expect, inject } from 'vitest';
import { readSigningKey } from '../../src/evidence/signing-identity.ts';
import { signCheckpoint } from '../../src/merkle/checkpoint.ts';
import { ED25519 } from '../../src/merkle/note.ts';
import { noteSigner } from '../../src/merkle/signatures.ts';
import { launchBrowser } from '../support/browser.ts';
import { dataDirOf, type TestDatabase } from '../support/database.ts';
import { BUNDLES } from '../support/operations/events.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

const ORIGIN = 'example.org/audit';
const PAGE = '<!doctype html><script type="module" src="/in-browser.js"></script>';

let database: TestDatabase;
let service: TestService;
let site: Server;
let browser: Browser;

test.beforeAll(async ({ createDatabase, startService }) => {
  site = await serve(inject('built'));
  database = await createDatabase();
  service = await startService(database.url, { ORIGIN, PUBLIC_EVIDENCE: 'true' });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  site.close();
});

/** A site of the maths, as they are compiled for the run, and the page that uses them. */
async function serve(folder: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/';
    if (path === '/') return void response.setHeader('content-type', 'text/html').end(PAGE);
    const file = /^\/merkle\/[a-z0-9-]+\.js$/.test(path) ? join(folder, path) : undefined;
    const own = path === '/in-browser.js' ? join(import.meta.dirname, 'in-browser.js') : file;
    if (own === undefined) return void response.writeHead(404).end();
    response.setHeader('content-type', 'text/javascript').end(await readFile(own));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const SIGNED = graphql(`
  query Signed {
    checkpoint { origin note verifierKey }
  }
`);

/** The checkpoint of all events, and then bundles of some: what was signed before them would do for those too. */
async function ask() {
  const { checkpoint } = dataOf(await service.ask(SIGNED));
  if (!checkpoint) throw new Error('there is no checkpoint');
  return { checkpoint, ...dataOf(await service.ask(BUNDLES, { first: 5, offset: 600 })) };
}

/** A checkpoint under the log's key that the log does not continue. */
async function forkedNote(treeSize: number): Promise<string> {
  const key = await readSigningKey(join(dataDirOf(database.url), 'signing-key.pem'));
  if (!key) throw new Error('the log has no key');
  const checkpoint = { origin: ORIGIN, treeSize, rootHash: Buffer.alloc(32, 7), extensions: [] };
  return signCheckpoint(checkpoint, [noteSigner({ name: ORIGIN, type: ED25519, ...key }, key.sign)]);
}

/** A bundle whose event, proof or checkpoint is not what the log gave. */
function altered(bundle: string): string[] {
  const flip = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
  const [head = '', extra = '', index = '', hash = '', ...rest] = bundle.split('\n');
  const bytes = Buffer.from(extra.slice('extra '.length), 'base64').toString();
  const other = `extra ${Buffer.from(bytes.replace('"severity":"warning"', '"severity":"info"')).toString('base64')}`;
  return [
    [head, other, index, hash, ...rest].join('\n'),
    [head, extra, index, flip(hash), ...rest].join('\n'),
    bundle.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) + 1}\n`),
  ];
}

test('a page verifies checkpoints, inclusion and consistency of a running log by itself', async () => {
  await logWarnings(service, 300);
  const { checkpoint: earlier } = await ask();
  await logWarnings(service, 700);
  const { checkpoint, auditEvents } = await ask();
  const [first, ...bundles] = auditEvents.edges.map(({ node }) => node.proofBundle);
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  await page.waitForFunction('window.verify !== undefined');
  const earlierNotes = [earlier.note, await forkedNote(300), earlier.note.replace('\n300\n', '\n299\n')];
  const input = { log: service.url, ...checkpoint, earlierNotes };
  const run = (all: string[]) =>
    page.evaluate(`window.verify(${JSON.stringify({ ...input, bundles: all })})`);
  expect(await run([first as string, ...bundles])).toEqual({
    hasProcess: false,
    continued: [true, false, 'SignatureError'],
    proved: [1_000, 1_000, 1_000, 1_000, 1_000],
  });
  expect(await run(altered(first as string))).toMatchObject({
    proved: [undefined, undefined, 'SignatureError'],
  });
  expect(complaints).toEqual([]);
});
