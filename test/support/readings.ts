import { open } from '../log/exports/download.ts';
import { type Answer, dataOf, type TestService } from './service.ts';
import { openStream, resultsOf } from './sse.ts';

/** What a way to read says of a filter: the events that it gives (or only how many), or why it refuses the filter. */
export type Reading = number[] | number | { code: unknown; path: unknown };

const PERIOD = 'startTime: "2000-01-01T00:00:00Z", endTime: "2100-01-01T00:00:00Z"';
const FILTER = '$filter: AuditEventFilter';
const LIST = `query (${FILTER}) {
  auditEvents(filter: $filter, orderBy: POSITION_ASC, first: 1000) { edges { node { position } } }
}`;
const COUNT = `query (${FILTER}) { auditEvents(filter: $filter, first: 0) { totalCount } }`;
const SUMMARY = `query (${FILTER}) { auditSummary(${PERIOD}, filter: $filter) { totalEvents } }`;
const TYPES = `query (${FILTER}) { auditSummary(${PERIOD}, filter: $filter) { byType { count } } }`;
const EXPORT = `query (${FILTER}) { auditExport(format: CSV, filter: $filter) { url } }`;
const FEED = `subscription (${FILTER}) { auditEvents(after: "beginning", filter: $filter) { node { position } } }`;
const ALERTS = `subscription (${FILTER}) {
  securityAlerts(minSeverity: DEBUG, after: "beginning", filter: $filter) { node { position } }
}`;

interface Data {
  auditEvents: { edges: { node: { position: number } }[]; totalCount: number; node: { position: number } };
  auditSummary: { totalEvents: number; byType: { count: number }[] };
  auditExport: { url: string };
}

/**
 * Reads with a filter in every way that the API has, by name. The feed has no end: it is read up to the event at `until`,
 * which must match, or until it refuses the filter; with `until` null it is left out.
 */
export async function readEveryWay(
  service: TestService,
  filter: object,
  until?: number | null,
): Promise<Record<string, Reading>> {
  const ask = async (query: string, read: (data: Data) => Reading | Promise<Reading>): Promise<Reading> => {
    const answer = await service.ask<Data>(query, { filter });
    return refusalOf(answer) ?? (await read(dataOf(answer)));
  };
  const feeds = until === null ? {} : { feed: FEED, alerts: ALERTS };
  const followed = Object.entries(feeds).map(
    async ([way, query]) => [way, await follow(service, { query, filter, until: until ?? 0 })] as const,
  );
  return {
    list: await ask(LIST, ({ auditEvents }) => auditEvents.edges.map(({ node }) => node.position)),
    count: await ask(COUNT, ({ auditEvents }) => auditEvents.totalCount),
    summary: await ask(SUMMARY, ({ auditSummary }) => auditSummary.totalEvents),
    types: await ask(TYPES, ({ auditSummary }) =>
      auditSummary.byType.reduce((sum, { count }) => sum + count, 0),
    ),
    export: await ask(EXPORT, async ({ auditExport }) => {
      const file = await (await open(auditExport.url)).whole();
      // The column before the last; no text of the tests has a line break.
      const [, ...lines] = file.toString().trimEnd().split('\n');
      return lines.map((line) => Number(line.split(',').at(-2)));
    }),
    ...Object.fromEntries(await Promise.all(followed)),
  };
}

/** The readings of a filter that matches the events at these positions, which is `readEveryWay`'s answer then. */
export function readingsOf(positions: readonly number[], hasFeed = true): Record<string, Reading> {
  const count = positions.length;
  const all = [...positions];
  const feeds = hasFeed ? { feed: all, alerts: all } : {};
  return { list: all, count, summary: count, types: count, export: all, ...feeds };
}

/** The readings of a filter that is refused at a path. */
export function refusalsOf(path: string): Record<string, Reading> {
  const refusal = { code: 'BAD_USER_INPUT', path };
  return Object.fromEntries(Object.keys(readingsOf([])).map((way) => [way, refusal]));
}

async function follow(
  service: TestService,
  { query, filter, until }: { query: string; filter: object; until: number },
): Promise<Reading> {
  const stream = await openStream(service.url, query, { filter });
  const positions: number[] = [];
  try {
    for await (const answer of resultsOf<Answer<Record<string, { node: { position: number } }>>>(stream)) {
      const refusal = refusalOf(answer);
      if (refusal) return refusal;
      const [edge] = Object.values(dataOf(answer));
      positions.push(edge?.node.position ?? -1);
      if (positions.some((position) => position >= until)) break;
    }
    return positions;
  } finally {
    stream.disconnect();
  }
}

function refusalOf({ errors }: Answer<unknown>): Reading | undefined {
  const [error] = errors ?? [];
  return error && { code: error.extensions.code, path: error.extensions.path };
}
