import { serverAudits } from 'graphql-http';
import { expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import { ADMIN_KEY, type TestService } from '../support/service.ts';
import { test } from '../support/test.ts';

// The audits of GraphQL over HTTP that its reference implementation has. A `notice` is a choice that the specification
// leaves open; a `warn` or an `error` is none.

let database: TestDatabase;
let service: TestService;

test.beforeAll(async ({ createDatabase, startService }) => {
  database = await createDatabase();
  service = await startService(database.url);
});

const withKey = (url: string, init: RequestInit = {}) => {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${ADMIN_KEY}`);
  return fetch(url, { ...init, headers });
};
const AUDITS = serverAudits({ url: () => `${service.url}/graphql`, fetchFn: withKey });

test('there are as many as ever', () => {
  expect(AUDITS.length).toBeGreaterThanOrEqual(61);
});

test.each(AUDITS.map((audit) => [audit.id, audit.name, audit] as const))(
  '%s %s',
  async (_id, _name, audit) => {
    const result = await audit.fn();
    const { status } = result;
    const reason = 'reason' in result ? result.reason : undefined;
    expect({ status, reason }).toEqual({ status: expect.stringMatching(/^(ok|notice)$/), reason });
  },
);
