import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createClient } from 'graphql-ws';
import {
  type ConcreteRequest,
  commitMutation,
  Environment,
  fetchQuery,
  Network,
  Observable,
  RecordSource,
  requestSubscription,
  Store,
} from 'relay-runtime';
import { expect, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { TestDatabase } from '../support/database.ts';
import { ADMIN_KEY, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

const SOURCE = `
import { graphql } from 'relay-runtime';
graphql\`query documentsPageQuery($count: Int!, $cursor: String) { ...documentsPage @arguments(count: $count, cursor: $cursor) }\`;
graphql\`fragment documentsPage on Query
  @refetchable(queryName: "documentsNextPageQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }) {
  auditEvents(first: $count, after: $cursor, orderBy: POSITION_ASC) @connection(key: "documents_auditEvents") {
    edges { node { id action } }
  }
}\`;
graphql\`query documentsNodesQuery($ids: [ID!]!) { nodes(ids: $ids) { id ... on AuditEvent { action } } }\`;
graphql\`mutation documentsLogMutation($input: LogEventInput!) { logEvent(input: $input) { status event { id action } } }\`;
graphql\`subscription documentsFeedSubscription { auditEvents { cursor node { id action } } }\`;
`;

let database: TestDatabase;
let service: TestService;
let directory: string;

test.beforeAll(async ({ later, createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
  directory = await mkdtemp(join(tmpdir(), 'audit-log-relay-'));
  later(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, 'src'));
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  await writeFile(join(directory, 'src', 'documents.js'), SOURCE);
  await writeFile(
    join(directory, 'relay.config.json'),
    JSON.stringify({
      src: 'src',
      schema: resolve('schema.graphql'),
      language: 'javascript',
      eagerEsModules: true,
    }),
  );
  const compiler = createRequire(import.meta.url).resolve('relay-compiler/cli.js');
  // It refuses what does not follow Relay's conventions: Node, connections, edges, cursors.
  await promisify(execFile)(process.execPath, [compiler, 'relay.config.json'], {
    cwd: directory,
    timeout: 60_000,
  });
});

async function artifact(name: string): Promise<ConcreteRequest> {
  const file = join(directory, 'src', '__generated__', `${name}.graphql.js`);
  return ((await import(/* @vite-ignore */ pathToFileURL(file).href)) as { default: ConcreteRequest })
    .default;
}

function createEnvironment() {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
  const socket = createClient({
    url: `${service.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: headers.authorization },
  });
  const network = Network.create(
    async ({ text }, variables) => {
      const body = JSON.stringify({ query: text, variables });
      const response = await fetch(`${service.url}/graphql`, { method: 'POST', headers, body });
      return response.json();
    },
    ({ text }, variables) =>
      Observable.create((sink) =>
        socket.subscribe({ query: text ?? '', variables }, sink as Parameters<typeof socket.subscribe>[1]),
      ),
  );
  return {
    socket,
    environment: new Environment({ network, store: new Store(new RecordSource()) }),
  };
}

test('relay-compiler takes the schema, and what it makes asks, pages, writes and follows', async () => {
  await logWarnings(service, 3, { prefix: 'relay' });
  const { environment, socket } = createEnvironment();
  await fetchQuery(environment, await artifact('documentsNextPageQuery'), { count: 2 }).toPromise();
  const stored = environment.getStore().getSource();
  const actions = () =>
    stored
      .getRecordIDs()
      .map((id) => stored.get(id)?.action)
      .filter(Boolean)
      .sort();
  expect(actions()).toEqual(['relay0', 'relay1']);

  const ids = stored.getRecordIDs().filter((id) => id.startsWith('audit_'));
  const unknown = `audit_${'0'.repeat(32)}`;
  const found = (await fetchQuery(environment, await artifact('documentsNodesQuery'), {
    ids: [unknown, ...ids],
  }).toPromise()) as { nodes: ({ id: string } | null)[] };
  expect(found.nodes.map((node) => node?.id ?? null)).toEqual([null, ...ids]);

  const mutation = await artifact('documentsLogMutation');
  const logged = await new Promise((onCompleted, onError) => {
    const variables = { input: { eventType: 'DATA_READ', action: 'relay-mutation' } };
    commitMutation(environment, { mutation, variables, onCompleted, onError });
  });
  expect(logged).toMatchObject({ logEvent: { status: 'RECORDED', event: { action: 'relay-mutation' } } });

  const subscription = await artifact('documentsFeedSubscription');
  const fed = new Promise((onNext, onError) => {
    requestSubscription(environment, { subscription, variables: {}, onNext, onError });
  });
  await vi.waitFor(() => expect(service.countSubscribers()).toBe(1), 10_000);
  await logWarnings(service, 1, { prefix: 'relay-feed' });
  expect(await fed).toMatchObject({ auditEvents: { node: { action: 'relay-feed0' } } });
  await socket.dispose();
});
