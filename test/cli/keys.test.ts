import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeKey } from '../../src/auth/api-keys.ts';
import { createPool } from '../../src/db/pool.ts';
import { EVENTS_ABOUT } from '../auth/create-key.ts';
import { makeDataDir } from '../support/cluster.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startProgram } from '../support/process.ts';
import { post, startService, type TestService } from '../support/service.ts';

/** Runs `audit-log keys` to its end. */
async function keys(environment: Record<string, string>, ...words: string[]) {
  const program = startProgram('cli/main.ts', environment, ['keys', ...words]);
  const { code } = await program.ended;
  return { code, said: program.said() };
}

interface Created {
  key: { id: string };
  secret: string;
}

const CREATE = ['create', '--name', 'a reader', '--scope', 'events:read', 'events:export'];

describe('beside a service on the same database', () => {
  let database: TestDatabase;
  let service: TestService;
  let environment: Record<string, string>;
  beforeAll(async () => {
    database = await createDatabase();
    service = await startService(database.url);
    environment = { DATABASE_URL: database.url };
  });
  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  async function codeOf(secret: string): Promise<unknown> {
    return (await service.ask('{ __typename }', {}, secret)).errors?.[0]?.extensions.code;
  }

  test('a key is created, recorded, used, listed and revoked, and what is open on it ends', async () => {
    const customer = ['--customer-id', 'acme', '--expires-at', '2099-01-31T13:00:00+01:00'];
    const created = await keys(environment, ...CREATE, ...customer, '--json');
    expect(created.code).toBe(0);
    const { key, secret } = JSON.parse(created.said) as Created;
    expect(key).toMatchObject({
      name: 'a reader',
      scopes: ['events:read', 'events:export'],
      customerId: 'acme',
      expiresAt: '2099-01-31T12:00:00.000Z',
      revokedAt: null,
      lastUsedAt: null,
    });
    expect(await codeOf(secret)).toBeUndefined();
    const live = service.live(secret);
    const closed = new Promise((resolve) =>
      live.on('closed', (event) => resolve((event as { code: number }).code)),
    );
    const reading = live
      .iterate({ query: 'subscription { auditEvents { cursor } }' })
      .next()
      .catch((error) => error);
    await new Promise((resolve) => live.on('connected', resolve));
    const listed = await keys(environment, 'list', '--json');
    expect(JSON.parse(listed.said)).toMatchObject([{ id: key.id, name: 'a reader' }, { id: 'admin' }]);

    const revoked = await keys(environment, 'revoke', key.id);
    expect(revoked).toMatchObject({ code: 0, said: expect.stringMatching(/a reader .* acme +revoked/) });
    expect(await reading).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expect(await closed).toBe(4403);
    expect(await codeOf(secret)).toBe('UNAUTHENTICATED');
    const { data } = await service.ask(EVENTS_ABOUT, { id: key.id });
    const by = { userId: `cli:${userInfo().username}`, ipAddress: null };
    expect(data?.auditEvents).toMatchObject({
      edges: [{ node: { action: 'api_key.create', ...by } }, { node: { action: 'api_key.revoke', ...by } }],
    });
  });

  test('people get a table, and no control character', async () => {
    const pool = createPool(database.url, () => undefined);
    await storeKey(pool, { name: 'red\x1b[31m', secret: 'a-secret', scopes: ['events:read'] });
    await pool.end();
    const { code, said } = await keys(environment, 'list');
    expect({ code, said }).toMatchObject({ code: 0, said: expect.stringMatching(/^ID +NAME +SCOPES/) });
    expect(said).toMatch(/\nadmin +admin +admin +- +valid/);
    expect(said).toContain('red?[31m');
  });

  test.each([
    ['an unknown id', ['revoke', 'key_0'], 2, 'no API key of this id'],
    [
      'an admin of one customer',
      ['create', '--name', 'a', '--scope', 'admin', '--customer-id', 'b'],
      2,
      'scopes: ',
    ],
    ['a scope that is none', ['create', '--name', 'a', '--scope', 'all'], 2, "'all' is invalid"],
    ['a time that is none', [...CREATE, '--expires-at', 'tomorrow'], 2, 'A time looks like'],
    ['no scope', ['create', '--name', 'a'], 2, '--scope'],
  ])('refuses %s', async (_what, words, code, text) => {
    expect(await keys(environment, ...words)).toMatchObject({ code, said: expect.stringContaining(text) });
  });
});

test('with the embedded PostgreSQL: beside a service, and without one, leaving nothing that runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-log-keys-'));
  const environment = { DATA_DIR: join(folder, 'data') };
  const start = async () => {
    const program = startProgram('main.ts', environment);
    await program.says('Ready.');
    const url = /http:\S+(?=\/graphql)/.exec(program.said())?.[0] ?? '';
    const stop = () => {
      program.child.kill('SIGTERM');
      return program.ended;
    };
    return { url, stop };
  };
  try {
    expect(await keys(environment, 'list')).toMatchObject({
      code: 2,
      said: expect.stringContaining(`no audit log under ${environment.DATA_DIR}`),
    });
    expect(existsSync(environment.DATA_DIR)).toBe(false);

    makeDataDir(environment.DATA_DIR);
    const first = await start();
    const beside = JSON.parse((await keys(environment, ...CREATE, '--json')).said) as Created;
    const query = JSON.stringify({ query: '{ __typename }' });
    expect((await post(first.url, query, beside.secret)).errors).toBeUndefined();
    await first.stop();

    const alone = JSON.parse((await keys(environment, ...CREATE, '--json')).said) as Created;
    expect(await keys(environment, 'revoke', beside.key.id)).toMatchObject({ code: 0 });
    expect(readdirSync(environment.DATA_DIR)).not.toContain('service.lock');
    expect(readdirSync(join(environment.DATA_DIR, 'postgres'))).not.toContain('postmaster.pid');

    const second = await start();
    expect((await post(second.url, query, alone.secret)).errors).toBeUndefined();
    expect((await post(second.url, query, beside.secret)).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    );
    await second.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
