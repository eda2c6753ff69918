import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { GraphQLClient } from 'graphql-request';
import { createClient as createStreamClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { beforeEach, describe, expect, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { TestDatabase } from '../support/database.ts';
import { COUNT_EVENTS } from '../support/operations/events.ts';
import { ADMIN_KEY, dataOf, startService, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings, upTo } from '../support/write.ts';

// The clients that people use, set up as their own documentation shows: each asks, writes and follows the feed.

const QUERY = '{ auditEvents(first: 2, orderBy: POSITION_ASC) { edges { node { id position action } } } }';
const LOG = 'mutation Log($input: LogEventInput!) { logEvent(input: $input) { status event { action } } }';
const FEED = 'subscription Feed { auditEvents { node { id action } } }';
const INPUT = { input: { eventType: 'DATA_READ', action: 'by-a-client' } };
const RECORDED = { logEvent: { status: 'RECORDED', event: { action: 'by-a-client' } } };
const headers = { authorization: `Bearer ${ADMIN_KEY}` };

interface Page {
  auditEvents: { edges: { node: { id: string; position: number; action: string } }[] };
}
interface Fed {
  auditEvents: { node: { action: string } };
}

let database: TestDatabase;
let service: TestService;
let url: string;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
  url = `${service.url}/graphql`;
  await logWarnings(service, 25);
});

const firstTwo = ({ auditEvents }: Page) => auditEvents.edges.map(({ node }) => node.position);
const subscribers = (count: number) =>
  vi.waitFor(() => expect(service.countSubscribers()).toBe(count), 10_000);
beforeEach(() => subscribers(0));

const socketClient = () =>
  createSocketClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: headers,
    lazyCloseTimeout: 0,
  });

/** Writes an event once the feed is open, and returns the action of the first one that comes. */
async function firstFed(open: (onNext: (fed: Fed) => void) => () => void, action: string): Promise<string> {
  let stop: () => void = () => undefined;
  const fed = new Promise<Fed>((resolve) => {
    stop = open(resolve);
  });
  await subscribers(1);
  await logWarnings(service, 1, { prefix: action });
  const { auditEvents } = await fed;
  stop();
  await subscribers(0);
  return auditEvents.node.action;
}

describe('graphql-ws', () => {
  test('asks, writes and follows', async () => {
    const client = socketClient();
    const ask = async <Data>(query: string, variables = {}) => {
      for await (const { data } of client.iterate<Data>({ query, variables })) return data;
      return undefined;
    };
    expect(firstTwo((await ask<Page>(QUERY)) as Page)).toEqual([0, 1]);
    expect(await ask(LOG, INPUT)).toEqual(RECORDED);
    const open = (onNext: (fed: Fed) => void) =>
      client.subscribe<Fed>(
        { query: FEED },
        { next: ({ data }) => data && onNext(data), error: () => undefined, complete: () => undefined },
      );
    expect(await firstFed(open, 'ws')).toBe('ws0');
    await client.dispose();
  });
});

describe('graphql-sse, with a connection for each operation', () => {
  test('asks, writes and follows', async () => {
    const client = createStreamClient({ url, headers, singleConnection: false, retryAttempts: 0 });
    const ask = async <Data>(query: string, variables = {}) => {
      for await (const { data } of client.iterate<Data>({ query, variables })) return data;
      return undefined;
    };
    expect(firstTwo((await ask<Page>(QUERY)) as Page)).toEqual([0, 1]);
    expect(await ask(LOG, INPUT)).toEqual(RECORDED);
    const open = (onNext: (fed: Fed) => void) =>
      client.subscribe<Fed>(
        { query: FEED },
        {
          next: ({ data }) => data && onNext(data),
          error: () => undefined,
          complete: () => undefined,
        },
      );
    expect(await firstFed(open, 'sse')).toBe('sse0');
    client.dispose();
  });

  test('is told what is wrong, with its code', async () => {
    const client = createStreamClient({ url, headers, retryAttempts: 0 });
    const results: unknown[] = [];
    for await (const result of client.iterate({ query: '{ nothing }' })) results.push(result);
    expect(results).toEqual([
      { errors: [expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })] },
    ]);
    client.dispose();
  });
});

describe('Apollo Client', () => {
  const http = () => new HttpLink({ uri: url, headers });
  const apolloOf = (link: ApolloLink) =>
    new ApolloClient({
      link,
      cache: new InMemoryCache({
        typePolicies: { Query: { fields: { auditEvents: relayStylePagination(['filter', 'orderBy']) } } },
      }),
    });

  test('asks, writes and follows', async () => {
    const socket = socketClient();
    const client = apolloOf(
      ApolloLink.split(
        ({ operationType }) => operationType === 'subscription',
        new GraphQLWsLink(socket),
        http(),
      ),
    );
    const { data } = await client.query<Page>({ query: gql(QUERY) });
    expect(data && firstTwo(data)).toEqual([0, 1]);
    const logged = await client.mutate({ mutation: gql(LOG), variables: INPUT });
    expect(logged.data).toMatchObject(RECORDED);
    const open = (onNext: (fed: Fed) => void) => {
      const feed = client.subscribe<Fed>({ query: gql(FEED) });
      const subscription = feed.subscribe(({ data: fed }) => fed && onNext(fed));
      return () => subscription.unsubscribe();
    };
    expect(await firstFed(open, 'apollo')).toBe('apollo0');
    client.stop();
    await socket.dispose();
  });

  test("reads page after page by Relay's conventions", async () => {
    const query = gql`query Pages($after: String) {
      auditEvents(first: 10, after: $after, orderBy: POSITION_ASC, filter: { minSeverity: WARNING }) {
        edges { cursor node { id position } }
        pageInfo { hasNextPage endCursor }
      }
    }`;
    interface Pages {
      auditEvents: {
        edges: { node: { position: number } }[];
        pageInfo: { hasNextPage: boolean; endCursor: string };
      };
    }
    const client = apolloOf(http());
    const pages = client.watchQuery<Pages>({ query });
    const subscription = pages.subscribe(() => undefined);
    let { data } = await client.query<Pages>({ query });
    while (data?.auditEvents.pageInfo.hasNextPage) {
      await pages.fetchMore({ variables: { after: data.auditEvents.pageInfo.endCursor } });
      data = client.readQuery<Pages>({ query }) ?? undefined;
    }
    const { edges } = data?.auditEvents ?? { edges: [] };
    const { auditEvents } = dataOf(await service.ask(COUNT_EVENTS, { filter: { minSeverity: 'WARNING' } }));
    expect(edges).toHaveLength(auditEvents.totalCount);
    expect(edges.slice(0, 25).map(({ node }) => node.position)).toEqual(upTo(25));
    subscription.unsubscribe();
    client.stop();
  });

  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

  test('sends the text of a query whose hash is unknown (PersistedQueryNotFound), and by GET', async () => {
    const sent: string[] = [];
    const spying = new HttpLink({
      uri: url,
      headers,
      fetch: (input, init) => {
        sent.push(`${init?.method} ${String(init?.body ?? '').includes('auditEvents')}`);
        return fetch(input, init);
      },
    });
    const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries: true });
    const client = apolloOf(ApolloLink.from([persisted, spying]));
    const { data } = await client.query<Page>({ query: gql(QUERY) });
    expect(data && firstTwo(data)).toEqual([0, 1]);
    expect(sent).toEqual(['GET false', 'POST true']);
    client.stop();
  });

  test('names a persisted document by its hash alone', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'audit-log-clients-'));
    const sent: string[] = [];
    let only: TestService | undefined;
    try {
      const document = gql(QUERY);
      const { print } = await import('graphql');
      // Apollo Client adds `__typename` to what it sends.
      const text = print(new InMemoryCache().transformDocument(document));
      const file = join(directory, 'documents.json');
      await writeFile(file, JSON.stringify({ [sha256(text)]: text }));
      only = await startService(database.url, { PERSISTED_DOCUMENTS: file, PERSISTED_ONLY: 'true' });
      const link = new HttpLink({
        uri: `${only.url}/graphql`,
        headers,
        fetch: (input, init) => {
          sent.push(String(init?.body));
          return fetch(input, init);
        },
      });
      const client = apolloOf(ApolloLink.from([new PersistedQueryLink({ sha256 }), link]));
      const { data } = await client.query<Page>({ query: document });
      expect(data && firstTwo(data)).toEqual([0, 1]);
      expect(sent).toHaveLength(1);
      client.stop();
    } finally {
      await only?.stop();
      await rm(directory, { recursive: true });
    }
  });
});

describe('urql, with its defaults', () => {
  test('asks by GET, writes and follows', async () => {
    const socket = socketClient();
    const methods: string[] = [];
    const client = new Client({
      url,
      exchanges: [
        cacheExchange,
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: ({ query = '', variables }) => ({
            subscribe: (sink) => ({
              unsubscribe: socket.subscribe({ query, variables: variables as never }, sink as never),
            }),
          }),
        }),
      ],
      fetchOptions: { headers },
      fetch: (input, init) => {
        methods.push(init?.method ?? 'GET');
        return fetch(input, init);
      },
    });
    const { data, error } = await client.query<Page>(QUERY, {}).toPromise();
    expect(error).toBeUndefined();
    expect(data && firstTwo(data)).toEqual([0, 1]);
    const logged = await client.mutation(LOG, INPUT).toPromise();
    expect(logged.data).toMatchObject(RECORDED);
    expect(methods).toEqual(['GET', 'POST']);
    const open = (onNext: (fed: Fed) => void) => {
      const { unsubscribe } = client
        .subscription<Fed>(FEED, {})
        .subscribe(({ data: fed }) => fed && onNext(fed));
      return unsubscribe;
    };
    expect(await firstFed(open, 'urql')).toBe('urql0');
    await socket.dispose();
  });
});

describe('graphql-request', () => {
  test('asks and writes, and is told the code of an error', async () => {
    const client = new GraphQLClient(url, { headers });
    expect(firstTwo(await client.request<Page>(QUERY))).toEqual([0, 1]);
    expect(await client.request(LOG, INPUT)).toEqual(RECORDED);
    await expect(client.request('{ nothing }')).rejects.toMatchObject({
      response: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    });
  });
});
