import type { Child } from '../child.ts';
import { startPostgraphileOn } from '../contenders/postgraphile.ts';
import { startStockOn } from '../contenders/stock.ts';
import { type Entry, entry } from '../entry.ts';
import { CUSTOMERS, customerOf, networkOf } from '../events.ts';
import { Connection, graphqlRequest, postRequest } from '../http-client.ts';
import { KEY, type Lab } from '../lab.ts';
import { cycle, type LoadResult, run } from '../load.ts';
import type { Loaded, Loads } from '../loaded.ts';
import { numbers } from '../requests.ts';
import { inTurn, medianOf } from '../rounds.ts';

const CONNECTIONS = 16;
export const PAGE = 50;
const DEPTH = 100_000;
const DEEP_PAGE = 1_000;
const FIELDS =
  'id position timestamp eventType outcome severity userId customerId ipAddress resourceType resourceId action description details';
export const LIST = `query List($filter: AuditEventFilter, $first: Int, $after: String) {
  auditEvents(filter: $filter, first: $first, after: $after) {
    edges { cursor node { ${FIELDS} } } pageInfo { hasNextPage endCursor }
  }
}`;
export const ONE = `query One($id: ID!) { auditEvent(id: $id) { ${FIELDS} } }`;
const STOCK_LIST = `query List($customerId: String!, $first: Int) { auditEvents(customerId: $customerId, first: $first) { ${FIELDS} } }`;
const POSTGRAPHILE_LIST = `query List($customerId: String!, $first: Int) {
  allAuditEvents(condition: { customerId: $customerId }, orderBy: [TIMESTAMP_DESC, POSITION_DESC], first: $first) {
    edges { cursor node { ${FIELDS} } } pageInfo { hasNextPage endCursor }
  }
}`;

/** Pages, the first and deep ones, and searches. */
export async function measureQuery(lab: Lab, loads: Loads): Promise<Entry[]> {
  const loaded = await loads.of(lab.options.rows);
  const page = await measurePages(lab, loaded);
  return [...page, await measureDeep(lab, loaded), ...(await measureSearch(lab, loaded))];
}

async function measurePages(lab: Lab, { databaseUrl, service }: Loaded): Promise<Entry[]> {
  const stock = await startStockOn(lab, databaseUrl, 'public');
  const raw = await lab.startProgram('contenders/raw-server.ts', { DATABASE_URL: databaseUrl });
  const postgraphile = await startPostgraphileOn(lab, databaseUrl, 'public');
  const byCustomer = (requestOf: (customerId: string) => Buffer) =>
    numbers(0, CUSTOMERS).map((number) => requestOf(customerOf((number * 7) % CUSTOMERS)));
  const ours = { url: service.url, key: KEY };
  const pages = (one: Child, requestOf: (customerId: string) => Buffer) =>
    reading(lab, one.url, byCustomer(requestOf));
  const results = await inTurn(
    lab.options.rounds,
    {
      service: pages(service, (customerId) =>
        graphqlRequest(ours, LIST, { filter: { customerId }, first: PAGE }),
      ),
      stock: pages(stock, (customerId) => graphqlRequest(stock, STOCK_LIST, { customerId, first: PAGE })),
      raw: pages(raw, (customerId) => postRequest(raw.url, JSON.stringify({ customerId, first: PAGE }))),
      postgraphile:
        postgraphile &&
        pages(postgraphile, (customerId) =>
          graphqlRequest(postgraphile, POSTGRAPHILE_LIST, { customerId, first: PAGE }),
        ),
    },
    (name, round) => lab.progress.say(`page, round ${round}: ${name}`),
  );
  const rateOf = (all: readonly LoadResult[]) => medianOf(all, ({ perSecond }) => perSecond);
  const value = rateOf(results.service);
  const common = { unit: 'pages/s', value, wants: 'at least' as const };
  const entries = [
    entry({
      ...common,
      name: 'page/stock',
      against: 'stock Yoga + Pothos + Prisma',
      reference: rateOf(results.stock),
      goal: 3,
    }),
    entry({
      name: 'page/pg',
      unit: 'ms p50',
      against: 'raw pg, with the JSON put together by hand',
      value: medianOf(results.service, ({ p50 }) => p50),
      reference: medianOf(results.raw, ({ p50 }) => p50),
      goal: 1.5,
      wants: 'at most',
    }),
  ];
  if (!postgraphile) return entries;
  const reference = rateOf(results.postgraphile);
  return [entry({ ...common, name: 'page', against: 'PostGraphile 5', reference, goal: 2.5 }), ...entries];
}

function reading(lab: Lab, url: string, requests: readonly Buffer[]): () => Promise<LoadResult> {
  const next = cycle(requests);
  return () => run({ urls: [url], connections: CONNECTIONS, next, seconds: lab.options.seconds });
}

async function measureDeep(lab: Lab, { service }: Loaded): Promise<Entry> {
  const target = { url: service.url, key: KEY };
  // The customer with the most events.
  const filter = { customerId: customerOf(0) };
  lab.progress.say(`page-deep: paging through ${DEPTH.toLocaleString('en-US')} events, or what there is`);
  const after = await cursorBehind(target, filter);
  const results = await inTurn(
    lab.options.rounds,
    {
      deep: reading(lab, service.url, [graphqlRequest(target, LIST, { filter, first: PAGE, after })]),
      first: reading(lab, service.url, [graphqlRequest(target, LIST, { filter, first: PAGE })]),
    },
    (name, round) => lab.progress.say(`page-deep, round ${round}: ${name}`),
  );
  return entry({
    name: 'page-deep',
    unit: 'ms p50',
    against: 'the first page',
    value: medianOf(results.deep, ({ p50 }) => p50),
    reference: medianOf(results.first, ({ p50 }) => p50),
    goal: 1.1,
    wants: 'at most',
  });
}

interface ListAnswer {
  data: { auditEvents: { pageInfo: { hasNextPage: boolean; endCursor: string } } };
}

// The last cursor that still has a whole page behind it.
async function cursorBehind(
  target: { url: string; key: string },
  filter: object,
): Promise<string | undefined> {
  const connection = await Connection.open(target.url);
  let after: string | undefined;
  for (let depth = 0; depth < DEPTH; depth += DEEP_PAGE) {
    const body = await connection.send(graphqlRequest(target, LIST, { filter, first: DEEP_PAGE, after }));
    const { hasNextPage, endCursor } = (JSON.parse(body.toString()) as ListAnswer).data.auditEvents.pageInfo;
    if (!hasNextPage) break;
    after = endCursor;
  }
  connection.close();
  return after;
}

const SEARCHES = {
  words: (number: number) => ({ search: `billing invoice ${number}` }),
  cidr: (number: number) => ({ ipAddress: networkOf(number) }),
  details: (number: number) => ({ details: { incident: `inc-${number}` } }),
};

async function measureSearch(lab: Lab, { service }: Loaded): Promise<Entry[]> {
  const target = { url: service.url, key: KEY };
  const lists = (filterOf: (number: number) => object) =>
    reading(
      lab,
      service.url,
      numbers(0, 200).map((number) =>
        graphqlRequest(target, LIST, { filter: filterOf(number), first: PAGE }),
      ),
    );
  const results = await inTurn(
    lab.options.rounds,
    {
      page: lists((number) => ({ customerId: customerOf(number) })),
      words: lists(SEARCHES.words),
      cidr: lists(SEARCHES.cidr),
      details: lists(SEARCHES.details),
    },
    (name, round) => lab.progress.say(`search, round ${round}: ${name}`),
  );
  const p50Of = (all: readonly LoadResult[]) => medianOf(all, ({ p50 }) => p50);
  return (['words', 'cidr', 'details'] as const).map((name) =>
    entry({
      name: name === 'words' ? 'search' : `search/${name}`,
      unit: 'ms p50',
      against: 'a page by customer',
      value: p50Of(results[name]),
      reference: p50Of(results.page),
      goal: 5,
      wants: 'at most',
    }),
  );
}
