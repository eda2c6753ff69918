import { type Entry, entry } from '../entry.ts';
import { graphqlRequest } from '../http-client.ts';
import { KEY, type Lab } from '../lab.ts';
import { median, run } from '../load.ts';
import type { Loaded, Loads } from '../loaded.ts';
import { inTurn } from '../rounds.ts';

const SMALL = 10_000;
export const SUMMARY = `query Summary($startTime: DateTime, $endTime: DateTime) {
  auditSummary(startTime: $startTime, endTime: $endTime) {
    totalEvents
    byType { eventType count } byOutcome { outcome count } bySeverity { severity count }
  }
}`;
const GROUP_BY = ['event_type', 'outcome', 'severity'].map(
  (column) => `SELECT ${column}, count(*) FROM audit_events GROUP BY 1`,
);

/** The summary of all time, against GROUP BY over the same events, and against a small log. */
export async function measureSummary(lab: Lab, loads: Loads): Promise<Entry[]> {
  const large = await loads.of(lab.options.rows);
  const small = await loads.of(Math.min(SMALL, lab.options.rows));
  const client = await lab.connect(large.databaseUrl);
  const results = await inTurn(
    lab.options.rounds,
    {
      large: () => summaries(lab, large),
      small: () => summaries(lab, small),
      async groupBy() {
        const start = performance.now();
        for (const statement of GROUP_BY) await client.query(statement);
        return performance.now() - start;
      },
    },
    (name, round) => lab.progress.say(`summary, round ${round}: ${name}`),
  );
  const value = median(results.large);
  return [
    entry({
      name: 'summary',
      unit: 'times faster',
      against: 'GROUP BY of the same three dimensions (ms), by the p50 of the summary (ms)',
      value: median(results.groupBy),
      reference: value,
      goal: 1_000,
      wants: 'at least',
    }),
    entry({
      name: 'summary/small',
      unit: 'ms p50',
      against: `a log of ${small.rows.toLocaleString('en-US')} events`,
      value,
      reference: median(results.small),
      goal: 1.5,
      wants: 'at most',
    }),
  ];
}

async function summaries(lab: Lab, { service }: Loaded): Promise<number> {
  const variables = { startTime: '2000-01-01T00:00:00Z', endTime: '2100-01-01T00:00:00Z' };
  const request = graphqlRequest({ url: service.url, key: KEY }, SUMMARY, variables);
  const result = await run({
    urls: [service.url],
    connections: 1,
    next: () => request,
    seconds: lab.options.seconds,
  });
  return result.p50;
}
