import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { verifyTheExport } from '../../src/cli/verify/export.ts';
import { verifyTheBundle } from '../../src/cli/verify/proofs.ts';
import { parseExactly } from '../../src/import/json-values.ts';
import type { AuditEvent, AuditLog } from '../../src/index.ts';
import { TILE_WIDTH } from '../../src/merkle/tile.ts';
import { entriesPath, parseEntries } from '../../src/merkle/tile-files.ts';
import { parseJson } from '../../src/parse-json.ts';
import { verifyDatabase } from '../../src/verify/database.ts';
import { startChildService } from '../support/child-service.ts';
import type { TestDatabase } from '../support/database.ts';
import { ADMIN_KEY, type TestService } from '../support/service.ts';
import { connectSocket } from '../support/socket.ts';
import { openStream } from '../support/sse.ts';
import { test } from '../support/test.ts';
import { readCsv } from './exports/csv-reader.ts';
import { open } from './exports/download.ts';

/**
 * Objects as JSON in canonical form, in pairs. `JSON.parse` of Node 24.10 to 24.21 takes the last key of the second for that
 * of the first (nodejs/node#63785), if it has not parsed eight other keys behind the first key before. So each way has keys
 * of its own, and they are texts, not objects of this process.
 */
function textsOf(way: string): string[] {
  return ['"', 'b', '\b', '\f', '\n', '\r', '\t', '\u0001', '\u001f'].flatMap((end, n) => {
    const first = `${way}${n}`;
    return ['\\', end].map(
      (last) => `{${JSON.stringify(first)}:1,${JSON.stringify(`${first}-longer${last}`)}:1}`,
    );
  });
}
const TEXT_COUNT = textsOf('').length;

/** The details in a text, in order. */
function detailsIn(text: string): string[] {
  return [...text.matchAll(/"details":(\{[^}]*\})/g)].map(([, details]) => details as string);
}

function bodyOf(query: string, variables = '{}'): string {
  return `{"query":${JSON.stringify(query)},"variables":${variables}}`;
}

/** Posts a body, and gives the text of the answer. */
async function post(body: string, url = service.url): Promise<string> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_KEY}` };
  return (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).text();
}

const LOG =
  'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { results { event { id details } } } }';

function loggingOf(way: string, texts: readonly string[]): string {
  const events = texts.map(
    (details) => `{"eventType":"DATA_UPDATE","customerId":"${way}","details":${details}}`,
  );
  return bodyOf(LOG, `{"input":[${events}]}`);
}

/** The details in the answers about each text, one after another. */
async function oneByOne(texts: readonly string[], answerTo: (text: string) => Promise<string>) {
  const found: string[] = [];
  for (const text of texts) found.push(...detailsIn(await answerTo(text)));
  return found;
}

/** Starts an operation by WebSocket, and gives so many answers. */
async function overSocket(payload: string, count: number): Promise<string> {
  const { socket, next } = await connectSocket(service.url);
  socket.send(`{"id":"1","type":"subscribe","payload":${payload}}`);
  const answers: string[] = [];
  while (answers.length < count) answers.push(JSON.stringify(await next()));
  socket.close();
  return answers.join('\n');
}

const listOf = (way: string, field: string) =>
  `{ auditEvents(filter: { customerId: "${way}" }, orderBy: POSITION_ASC, first: 100) { edges { node { ${field} } } } }`;
const feedOf = (way: string) =>
  `subscription { auditEvents(after: "beginning", filter: { customerId: "${way}" }) { node { details } } }`;

async function ask<Data>(query: string): Promise<Data> {
  const { data, errors } = parseJson(await post(bodyOf(query))) as { data: Data; errors?: unknown };
  expect(errors).toBeUndefined();
  return data;
}

async function download(linkQuery: string, variables?: string): Promise<string> {
  const { data } = parseJson(await post(bodyOf(linkQuery, variables))) as {
    data: { auditExport: { url: string } };
  };
  return (await (await open(data.auditExport.url)).whole()).toString();
}

function exportOf(way: string, format: string): Promise<string> {
  return download(`{ auditExport(format: ${format}, filter: { customerId: "${way}" }) { url } }`);
}

function detailsInCsv(csv: string): string[] {
  return readCsv(csv).map(({ details = '' }) => details);
}

function canonicalTexts(events: readonly AuditEvent[]): string[] {
  return detailsIn(events.map((event) => event.toCanonicalJson()).join('\n'));
}

async function bundlesOf(way: string): Promise<string[]> {
  const { auditEvents } = await ask<{ auditEvents: { edges: { node: { proofBundle: string } }[] } }>(
    listOf(way, 'proofBundle'),
  );
  return auditEvents.edges.map(({ node }) => node.proofBundle);
}

async function verifiedBundle(bundle: string): Promise<string> {
  const { checkpoint } = await ask<{ checkpoint: { verifierKey: string } }>('{ checkpoint { verifierKey } }');
  const path = join(folder, 'bundle');
  await writeFile(path, bundle);
  return JSON.stringify((await verifyTheBundle(path, { key: checkpoint.verifierKey })).json);
}

async function readEntries(): Promise<string[]> {
  const { checkpoint } = await ask<{ checkpoint: { treeSize: number } }>('{ checkpoint { treeSize } }');
  const found: string[] = [];
  while (found.length < checkpoint.treeSize) {
    const width = Math.min(TILE_WIDTH, checkpoint.treeSize - found.length);
    const path = entriesPath({ index: found.length / TILE_WIDTH, width });
    const file = await open(`${service.url}/${path}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    found.push(...parseEntries(await file.whole()).map((entry) => Buffer.from(entry).toString()));
  }
  return found;
}

/** The event in a proof bundle. */
function eventIn(bundle: string): string {
  return Buffer.from(/^extra (\S+)$/m.exec(bundle)?.[1] ?? '', 'base64').toString();
}

/** The ways to read events that another process has recorded: what each gives of their details, in order. */
const READS: Record<string, (way: string) => Promise<string[]>> = {
  list: async (way) => detailsIn(await post(bodyOf(listOf(way, 'details')))),
  'by id': (way) => oneByOne(idsOf(way), (id) => post(bodyOf(`{ auditEvent(id: "${id}") { details } }`))),
  'server-sent events': async (way) => {
    const stream = await openStream(service.url, feedOf(way));
    const answers: string[] = [];
    for await (const { event, data = '' } of stream.messages)
      if (event === 'next' && answers.push(data) === TEXT_COUNT) break;
    stream.disconnect();
    return detailsIn(answers.join('\n'));
  },
  websocket: async (way) => detailsIn(await overSocket(bodyOf(feedOf(way)), TEXT_COUNT)),
  ndjson: async (way) => detailsIn(await exportOf(way, 'NDJSON')),
  json: async (way) => detailsIn(await exportOf(way, 'JSON')),
  csv: async (way) => detailsInCsv(await exportOf(way, 'CSV')),
  'proof bundle': (way) => bundlesOf(way).then((bundles) => oneByOne(bundles, async (text) => eventIn(text))),
  'verified bundle': (way) => bundlesOf(way).then((bundles) => oneByOne(bundles, verifiedBundle)),
  'query of the library': async (way) =>
    canonicalTexts((await library.query({ customerId: way }, { order: 'position_asc' })).events),
  'get of the library': async (way) => {
    const events: (AuditEvent | undefined)[] = [];
    for (const id of idsOf(way)) events.push(await library.get(id));
    return detailsIn(JSON.stringify(events));
  },
  'follow of the library': async (way) => {
    const events: AuditEvent[] = [];
    for await (const event of library.follow({ after: 'beginning', filter: { customerId: way } }))
      if (events.push(event) === TEXT_COUNT) break;
    return canonicalTexts(events);
  },
  'ndjson of the library': async (way) =>
    detailsIn(await text(library.export('ndjson', { filter: { customerId: way } }))),
  'csv of the library': async (way) =>
    detailsInCsv(await text(library.export('csv', { filter: { customerId: way } }))),
  'filter by GET': (way) =>
    oneByOne(textsOf(way), async (details) => {
      const url = new URL(`${service.url}/graphql`);
      url.searchParams.set('query', FILTERED);
      url.searchParams.set('variables', `{"details":${details}}`);
      return (await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).text();
    }),
  'filter of an export': (way) =>
    oneByOne(textsOf(way), (details) =>
      download(
        'query ($details: JSONObject) { auditExport(format: NDJSON, filter: { details: $details }) { url } }',
        `{"details":${details}}`,
      ),
    ),
};

const FILTERED = `query ($details: JSONObject) { auditEvents(filter: { details: $details }) { edges { node { details } } } }`;

/** The ways for JSON to come in: what each makes of the texts. */
const WRITES: Record<string, (way: string) => Promise<string[]>> = {
  body: (way) => oneByOne(textsOf(way), (details) => post(loggingOf(way, [details]))),
  message: (way) => oneByOne(textsOf(way), (details) => overSocket(loggingOf(way, [details]), 1)),
  'line to import': async (way) => textsOf(way).map((line) => JSON.stringify(parseExactly(line).value)),
};

let database: TestDatabase;
let service: TestService;
let library: AuditLog;
let folder: string;
const logged: Record<string, string[]> = {};
const idsOf = (way: string) => logged[way] ?? [];

test.beforeAll(async ({ createDatabase, startService, openTestLog, later }) => {
  folder = await mkdtemp(join(tmpdir(), 'escaped-keys-'));
  later(() => rm(folder, { recursive: true }));
  database = await createDatabase();
  const writer = await startChildService(database.url);
  try {
    for (const way of [...Object.keys(READS), 'database', 'file']) {
      const answer = await post(loggingOf(way, textsOf(way)), writer.url);
      expect(detailsIn(answer)).toEqual(textsOf(way));
      logged[way] = [...answer.matchAll(/"id":"(\w+)"/g)].map(([, id]) => id as string);
    }
  } finally {
    await writer.stop();
  }
  // Only now, since an instance reads the events that another one records meanwhile.
  service = await startService(database.url);
  library = await openTestLog(database.url);
});

test.each(Object.entries({ ...WRITES, ...READS }))('%s: keys are what they were', async (way, detailsBy) => {
  expect(await detailsBy(way)).toEqual(textsOf(way));
});

// These read the events of all, whose keys are not new afterwards.
test('the database verifies', async ({ createPool }) => {
  await ask('{ checkpoint { treeSize } }');
  expect((await verifyDatabase(createPool(database.url, () => undefined))).findings).toEqual([]);
});

test('the lines of an export are canonical, except for a changed one', async () => {
  const { checkpoint } = await ask<{ checkpoint: { note: string; verifierKey: string } }>(
    '{ checkpoint { note verifierKey } }',
  );
  const lines = (await download('{ auditExport(format: NDJSON) { url } }')).trimEnd().split('\n');
  const flags = { key: checkpoint.verifierKey, checkpoint: [join(folder, 'checkpoint')] };
  await writeFile(join(folder, 'checkpoint'), checkpoint.note);
  await writeFile(join(folder, 'lines'), `${lines.join('\n')}\n`);
  expect(await verifyTheExport(join(folder, 'lines'), flags)).toMatchObject({ outcome: 'verified' });
  await writeFile(join(folder, 'lines'), `${lines.with(-1, '{"v":1,"id":"changed"}').join('\n')}\n`);
  expect(await verifyTheExport(join(folder, 'lines'), flags)).toMatchObject({
    json: { findings: [{ kind: 'changed', position: lines.length - 1 }] },
  });
});

test('the entries of the log have the keys', async () => {
  const entries = await readEntries();
  for (const [way, ids] of Object.entries(logged)) {
    const own = ids.map((id) => entries.find((entry) => entry.includes(id)) ?? '');
    expect(detailsIn(own.join('\n'))).toEqual(textsOf(way));
  }
});
