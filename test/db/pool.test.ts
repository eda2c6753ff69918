import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { test } from '../support/test.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let pool: Pool;

test.beforeAll(async ({ createDatabase, createPool }) => {
  pool = createPool((await createDatabase()).url, (error) => {
    throw error;
  });
});

/** The values of a statement that has run, as long as something keeps them. */
async function valuesOfStatement(): Promise<WeakRef<unknown[]>> {
  const values = ['secret'];
  // A function that uses the values, so that whatever keeps the function on the stack keeps the values too.
  const run = () => pool.query({ text: 'SELECT $1 AS value', values });
  expect((await run()).rows).toEqual([{ value: 'secret' }]);
  return new WeakRef(values);
}

test('a connection keeps no values of the statement that it was opened for', async () => {
  const values = await valuesOfStatement();
  await pool.query('SELECT 1');
  expect(pool.totalCount).toBe(1);
  collectGarbage();
  expect(values.deref()).toBeUndefined();
});
