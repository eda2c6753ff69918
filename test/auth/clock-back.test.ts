import { afterAll, afterEach, expect, vi } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../support/issuer.ts';
import { EXPORT_LINK } from '../support/operations/events.ts';
import { dataOf, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';
import { createKey } from './create-key.ts';

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let issuer: TestIssuer;
let service: TestService;

/** The time of this machine before it is set, and by how much it is. */
const realNow = Date.now;
let backMs = 0;

test.beforeAll(async ({ createDatabase, startService }) => {
  // Before the service starts: it may keep the function.
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() - backMs);
  issuer = await startIssuer();
  database = await createDatabase();
  service = await startService(database.url, {
    JWT_ISSUERS: issuer.setting,
    JWT_AUDIENCE: AUDIENCE,
    JWT_CLOCK_TOLERANCE_MS: '0',
  });
});
afterEach(() => {
  vi.useRealTimers();
  backMs = 0;
});
afterAll(async () => {
  vi.restoreAllMocks();
  await issuer.close();
});

async function codeOf(secret: string): Promise<unknown> {
  const { errors } = await service.ask('{ auditEvents(first: 0) { totalCount } }', {}, secret);
  return errors?.[0]?.extensions.code ?? 'fine';
}

/** The clock of the machine goes back; time goes on, and so does the clock of the database. */
function setBack(byMs: number): void {
  backMs = byMs;
  vi.useFakeTimers({ toFake: ['Date'], now: realNow() - byMs });
}

/** Makes a credential that expires at that time, or up to a second later. */
const CREDENTIALS: Record<string, (time: number) => Promise<string>> = {
  'an API key': async (time) => {
    const expiresAt = new Date(time).toISOString();
    return (await createKey(service, { name: 'brief', scopes: ['EVENTS_READ'], expiresAt })).secret;
  },
  'a token': async (time) => issuer.token({ scope: 'events:read', exp: Math.ceil(time / 1_000) }),
};

/** A credential that expires soon and has been accepted once. The slower the machine, the longer it lives. */
async function acceptedCredential(make: (time: number) => Promise<string>): Promise<string> {
  for (let lifeMs = 1_500; lifeMs < 60_000; lifeMs *= 2) {
    const secret = await make(Date.now() + lifeMs);
    if ((await codeOf(secret)) === 'fine') return secret;
  }
  return expect.unreachable('no credential was accepted before it expired');
}

test.each(Object.entries(CREDENTIALS))(
  '%s that has expired does not work again when the clock goes back',
  async (_, make) => {
    const secret = await acceptedCredential(make);
    await expect.poll(() => codeOf(secret), { timeout: 60_000, interval: 200 }).toBe('UNAUTHENTICATED');
    setBack(HOUR_MS);
    expect(await codeOf(secret)).toBe('UNAUTHENTICATED');
  },
);

test.each(Object.entries(CREDENTIALS))(
  '%s that was accepted before the clock went back ends at its time all the same',
  async (_, make) => {
    const secret = await acceptedCredential(make);
    setBack(HOUR_MS);
    await expect.poll(() => codeOf(secret), { timeout: 60_000, interval: 200 }).toBe('UNAUTHENTICATED');
  },
);

test('a link of an export that has expired does not open again either', async () => {
  const { url, expiresAt } = dataOf(await service.ask(EXPORT_LINK, { format: 'NDJSON' })).auditExport;
  // By the clock of the database, whatever this machine's says.
  setBack(-HOUR_MS);
  expect((await fetch(url)).status).toBe(200);
  expect(Date.parse(expiresAt)).toBeLessThan(Date.now());
});
