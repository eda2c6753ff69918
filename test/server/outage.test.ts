import { expect } from 'vitest';
import { exportLink, knockAll, type Told } from '../support/doors.ts';
import { keepLog } from '../support/log-lines.ts';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts';
import type { TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { logWarnings } from '../support/write.ts';

let postgres: OwnPostgres;
let service: TestService;
let link: string;
const { log, lines } = keepLog();

test.beforeAll(async ({ later, startService }) => {
  postgres = await startOwnPostgres({ fsync: 'off' });
  later(() => postgres.remove());
  service = await startService(postgres.url, { RATE_LIMIT: '0', AUTH_FAILURES: '0' }, { log });
  await logWarnings(service, 300);
  link = await exportLink(service.url);
});

/** The doors at which a client was not told that it may try again, and when. */
function untold(all: readonly Told[]): Told[] {
  return all.filter(({ code, saysWhen }) => !['UNAVAILABLE', 'OVERLOADED'].includes(`${code}`) || !saysWhen);
}

/** Resolves when every door serves; a machine that is busy may refuse a connection for a while. */
async function untilServed(): Promise<void> {
  await expect
    .poll(
      async () => {
        const all = await knockAll(service.url, link);
        return all.filter(({ code }) => code !== undefined).map(({ door, code }) => `${door}: ${code}`);
      },
      { timeout: 60_000 },
    )
    .toEqual(['an unknown key: UNAUTHENTICATED', 'a WebSocket with an unknown key: Forbidden']);
}

test('without its database every door says UNAVAILABLE and when to try again, and the log says why', async () => {
  await untilServed();
  await postgres.stop();
  // A key that was accepted is remembered for five seconds: both what it may still reach, and what it may not, is asked for.
  for (const _ of ['with a key that is remembered', 'again']) {
    const all = await knockAll(service.url, link);
    expect(untold(all)).toEqual([]);
    expect(all.filter(({ status }) => ![0, 200, 503].includes(status))).toEqual([]);
  }
  const ready = await fetch(`${service.url}/health/ready`);
  expect(ready.status).toBe(503);
  const told = lines.filter(({ msg }) => msg === 'a request was refused: the database had a problem');
  expect(told[0]).toMatchObject({ level: 50, condition: 'unreachable', cause: expect.any(String) });
  // Not a line for each.
  expect(told.length).toBeLessThan(20);
  await postgres.start();
  await untilServed();
  expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
}, 120_000);
