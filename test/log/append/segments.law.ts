import { expect } from 'vitest';
import { createPool, type Pool } from '../../../src/db/pool.ts';
import { checkEvent } from '../../../src/events/validate.ts';
import { Committer } from '../../../src/log/append/committer.ts';
import { prepareEvent } from '../../../src/log/append/prepare-event.ts';
import { test } from '../../support/test.ts';

/** Longer than a segment: each batch needs one that is not there yet. */
const EVENTS = 300;
// About one round in 200 fails without the retry.
const ROUNDS = 500;

let instances: Committer[];

test.beforeAll(async ({ later, createDatabase, startService }) => {
  const database = await createDatabase();
  await (await startService(database.url, { SEGMENT_BITS: '8' })).stop();
  instances = [0, 1].map(() => {
    const pool: Pool = createPool(database.url, () => undefined, { role: 'audit_log_service' });
    later(() => pool.end());
    return new Committer(pool);
  });
});

function append(instance: Committer, name: string, count: number): Promise<unknown> {
  const events = Array.from({ length: count }, (_, index) => {
    const action = `${name}/${index}`;
    const input = checkEvent({ eventType: 'data.read', action, idempotencyKey: action }, 'input');
    return prepareEvent(input, Date.now(), 'input');
  });
  return instance.start([{ events, paths: [] }]).done;
}

test('two instances that create segments at the same time record every batch', async () => {
  const [one, two] = instances as [Committer, Committer];
  for (let round = 0; round < ROUNDS; round += 1) {
    const both = [append(one, `one/${round}`, EVENTS), append(two, `two/${round}`, 1 + (round % 40))];
    expect(await Promise.allSettled(both)).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
  }
});
