import { test as base } from 'vitest';
import { createPool as openPool, type Pool } from '../../src/db/pool.ts';
import { createDatabase as makeDatabase, type TestDatabase } from './database.ts';
import { openTestLog as openLog } from './library.ts';
import { startService as launchService, type TestService } from './service.ts';

/** Keeps what has to be done when the tests of the file are over. */
type Later = (work: () => unknown) => void;

/**
 * The test of files that need a database or a service. Its hooks and tests take the functions that make them:
 *
 *     test.beforeAll(async ({ createDatabase, startService }) => {
 *       database = await createDatabase();
 *       service = await startService(database.url, { SEGMENT_BITS: '8' });
 *     });
 *
 * What was made ends after the `afterAll` of the file, in the reverse order, also when a hook or a test failed: services
 * stop, pools end, the log in each database is verified, and the database is removed. `isTampered`: not verified.
 */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of fixtures from it.
  .extend('later', { scope: 'file' }, async ({}, { onCleanup }): Promise<Later> => {
    const works: (() => unknown)[] = [];
    onCleanup(() => doAll(works.reverse()));
    return (work) => void works.push(work);
  })
  .extend(
    'createDatabase',
    { scope: 'file' },
    ({ later }) =>
      async (options: { isTampered?: boolean } = {}) => {
        const database: TestDatabase = await makeDatabase();
        later(() => database.drop(options));
        return database;
      },
  )
  .extend(
    'startService',
    { scope: 'file' },
    ({ later }) =>
      async (...how: Parameters<typeof launchService>) => {
        const service: TestService = await launchService(...how);
        later(() => service.stop());
        return service;
      },
  )
  .extend('openTestLog', { scope: 'file' }, ({ later }) => async (...how: Parameters<typeof openLog>) => {
    const log = await openLog(...how);
    later(() => log.close());
    return log;
  })
  .extend('createPool', { scope: 'file' }, ({ later }) => (...how: Parameters<typeof openPool>) => {
    const pool: Pool = openPool(...how);
    later(() => pool.end());
    return pool;
  });

/** Does each, whatever happens with those before it, and throws the first error. */
async function doAll(works: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
