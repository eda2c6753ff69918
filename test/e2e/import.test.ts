import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import type { FollowAlertsSubscription } from '../support/operations/generated/graphql.ts';
import { startProgram } from '../support/process.ts';
import { ADMIN_KEY, dataOf, follow, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

// What a reader finds in the samples without the importer: the first pattern that is in a line says what it is, and a
// line without any is none of an event.
const SAMPLES: [format: string, file: string, kinds: [RegExp, kind: string][]][] = [
  [
    'cloudtrail',
    'cloudtrail.jsonl',
    [
      [/"ConsoleLogin":"Success"/, 'AUTH_LOGIN SUCCESS INFO'],
      [/"ConsoleLogin":"Failure"/, 'AUTH_LOGIN_FAILED FAILURE WARNING'],
      [/"AccessDenied"/, 'DATA_READ DENIED WARNING'],
      [/"DescribeInstances"/, 'DATA_READ SUCCESS INFO'],
      [/"StopLogging"/, 'SECURITY_ALERT SUCCESS ERROR'],
      [/"AttachUserPolicy"/, 'AUTHZ_PERMISSION_GRANTED SUCCESS ERROR'],
      [/"TerminateInstances"/, 'DATA_DELETE SUCCESS INFO'],
      [/"InternalFailure"/, 'DATA_CREATE ERROR ERROR'],
    ],
  ],
  [
    'okta',
    'okta.jsonl',
    [
      [/user\.session\.start.*"SUCCESS"/, 'AUTH_LOGIN SUCCESS INFO'],
      [/user\.session\.start.*"FAILURE"/, 'AUTH_LOGIN_FAILED FAILURE WARNING'],
      [/factor\.deactivate/, 'AUTH_MFA_DISABLED SUCCESS ERROR'],
      [/"CHALLENGE"/, 'AUTHZ_PERMISSION_DENIED DENIED INFO'],
      [/rate_limit/, 'SECURITY_RATE_LIMITED DENIED WARNING'],
    ],
  ],
  [
    'github',
    'github.jsonl',
    [
      [/git\.clone/, 'DATA_READ SUCCESS INFO'],
      [/org\.add_member/, 'AUTHZ_ROLE_ASSIGNED SUCCESS WARNING'],
      [/repo\.destroy/, 'DATA_DELETE SUCCESS WARNING'],
      [/secret_scanning\.disable/, 'SECURITY_ALERT SUCCESS WARNING'],
      [/workflow_run/, 'DATA_UPDATE FAILURE INFO'],
      [/hook\.create/, 'CONFIG_CHANGED SUCCESS WARNING'],
    ],
  ],
  [
    'sshd',
    'auth.log',
    [
      [
        /^(?!Feb 30).*(Invalid user|Failed password|authentication failure)/,
        'AUTH_LOGIN_FAILED FAILURE WARNING',
      ],
      [/Accepted publickey/, 'AUTH_LOGIN SUCCESS INFO'],
      [/Disconnected/, 'AUTH_LOGOUT SUCCESS INFO'],
      [/refused connect/, 'SECURITY_IP_BLOCKED DENIED WARNING'],
      [/not allowed/, 'AUTHZ_PERMISSION_DENIED DENIED WARNING'],
    ],
  ],
  [
    'ndjson',
    'events.ndjson',
    [
      [/auth\.login_failed/, 'AUTH_LOGIN_FAILED FAILURE WARNING'],
      [/"DATA_READ","userId"/, 'DATA_READ SUCCESS INFO'],
      [/billing\.invoice_paid/, 'BILLING_INVOICE_PAID SUCCESS INFO'],
    ],
  ],
];
const folder = new URL('../cli/samples/', import.meta.url).pathname;

function kindsIn(file: string, kinds: [RegExp, string][]): string[][] {
  const lines = readFileSync(folder + file, 'utf8').split('\n');
  const found = lines.map((line) => kinds.find(([pattern]) => pattern.test(line))?.[1]);
  return found.flatMap((kind) => (kind === undefined ? [] : [kind.split(' ')]));
}

const EXPECTED = SAMPLES.flatMap(([, file, kinds]) => kindsIn(file, kinds));
const ALERTS = EXPECTED.filter(([, , severity]) => severity !== 'INFO');

function countsOf(values: (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) if (value) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

const FOLLOW_ALERTS = graphql(`
  subscription FollowAlerts($after: String) {
    securityAlerts(after: $after) {
      cursor
      node { id position eventType severity action leafHash }
    }
  }
`);
const LIST_ALERTS = graphql(`
  query ListAlerts {
    auditEvents(filter: { minSeverity: WARNING }, orderBy: POSITION_ASC, first: 1000) {
      edges {
        cursor
        node { id position eventType severity action leafHash }
      }
    }
  }
`);
const SUMMARY_OF_ALL = graphql(`
  query SummaryOfAll {
    auditSummary(startTime: "2020-01-01T00:00:00Z", endTime: "2100-01-01T00:00:00Z") {
      totalEvents
      byType { eventType count }
      byOutcome { outcome count }
      bySeverity { severity count }
    }
  }
`);

type Alert = FollowAlertsSubscription['securityAlerts'];

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url, { EVENT_TYPES: 'billing.invoice_paid' });
});

/** The next alerts, as many as there should be. */
async function take(after: string | null, count: number): Promise<Alert[]> {
  const client = service.live();
  const alerts: Alert[] = [];
  for await (const { securityAlerts } of follow(client, FOLLOW_ALERTS, { after })) {
    if (alerts.push(securityAlerts) === count) break;
  }
  await client.dispose();
  return alerts;
}

async function importAll(): Promise<string[]> {
  const said: string[] = [];
  for (const [format, file] of SAMPLES) {
    const year = format === 'sshd' ? ['--year', '2024'] : [];
    const program = startProgram('cli/main.ts', { AUDIT_LOG_URL: service.url, AUDIT_LOG_KEY: ADMIN_KEY }, [
      'import',
      '--format',
      format,
      ...year,
      folder + file,
    ]);
    // Each sample has a line that cannot be mapped, and says so with this code.
    expect((await program.ended).code).toBe(1);
    said.push(program.said());
  }
  return said;
}

describe('real logs', () => {
  let live: Alert[];
  let said: string[];

  beforeAll(async () => {
    const following = take(null, ALERTS.length);
    await vi.waitFor(() => expect(service.countSubscribers()).toBe(1), 10_000);
    said = await importAll();
    live = await following;
  });

  test('are imported, each format by its command', () => {
    const figures = said.map((text, index) => {
      const file = SAMPLES[index]?.[1] ?? '';
      return new RegExp(`${file.replace('.', '\\.')}\\s+(\\d+)\\s+(\\d+)\\s+(\\d+)`).exec(text)?.slice(2, 4);
    });
    expect(figures).toEqual(SAMPLES.map(([, file, kinds]) => [String(kindsIn(file, kinds).length), '0']));
  });

  test('are counted by type, outcome and severity as a reader of the files counts them', async () => {
    const { auditSummary } = dataOf(await service.ask(SUMMARY_OF_ALL));
    const { totalEvents, byType, byOutcome, bySeverity } = auditSummary;
    expect(totalEvents).toBe(EXPECTED.length);
    expect(Object.fromEntries(byType.map(({ eventType, count }) => [eventType, count]))).toEqual(
      countsOf(EXPECTED.map(([type]) => type)),
    );
    expect(Object.fromEntries(byOutcome.map(({ outcome, count }) => [outcome, count]))).toEqual(
      countsOf(EXPECTED.map(([, outcome]) => outcome)),
    );
    expect(Object.fromEntries(bySeverity.map(({ severity, count }) => [severity, count]))).toEqual(
      countsOf(EXPECTED.map(([, , severity]) => severity)),
    );
  });

  test('give the alerts that the list has to who was there during the import and to who comes later', async () => {
    const { auditEvents } = dataOf(await service.ask(LIST_ALERTS));
    expect(auditEvents.edges).toHaveLength(ALERTS.length);
    expect(live).toEqual(auditEvents.edges);
    expect(await take('beginning', ALERTS.length)).toEqual(auditEvents.edges);
  });

  test('record nothing the second time, so that the next alert is the next event', async () => {
    const next = take(live.at(-1)?.cursor ?? null, 1);
    for (const text of await importAll()) expect(text).toMatch(/\d+\s+0\s+[1-9]\d*/);
    await logWarnings(service, 1, { prefix: 'next' });
    const [alert] = await next;
    expect(alert?.node).toMatchObject({ position: EXPECTED.length, action: 'next0' });
  });
});
