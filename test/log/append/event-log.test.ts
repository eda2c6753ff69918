import { expect } from 'vitest';
import type { TestDatabase } from '../../support/database.ts';
import { keepLog } from '../../support/log-lines.ts';
import { startService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

let database: TestDatabase;
test.beforeAll(async ({ createDatabase }) => {
  database = await createDatabase();
});

// None above warn: what operators alert on is a problem of the service itself.
const levels = { debug: 20, info: 30, warning: 40, error: 40, critical: 40 };

test.each([
  ['debug', ['debug', 'info', 'warning', 'error', 'critical']],
  ['warning', ['warning', 'error', 'critical']],
  ['critical', ['critical']],
  ['off', []],
])('LOG_EVENTS=%s', async (threshold, wanted) => {
  const { log, lines } = keepLog();
  const service = await startService(database.url, { LOG_EVENTS: threshold }, { log });
  const input = Object.keys(levels).map((severity) => ({
    eventType: 'AUTH_LOGIN_FAILED',
    severity: severity.toUpperCase(),
    details: { token: 'sesame', n: 1 },
  }));
  await service.ask('mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }', {
    input,
  });
  await service.stop();
  const logged = lines.filter(({ auditEvent }) => auditEvent !== undefined);
  expect(logged).toMatchObject(
    wanted.map((severity) => ({
      level: levels[severity as keyof typeof levels],
      msg: 'auth.login_failed',
      auditEvent: { severity, position: expect.any(Number), details: { token: '[REDACTED]', n: 1 } },
    })),
  );
});
