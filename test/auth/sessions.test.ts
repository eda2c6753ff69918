import { expect, test } from 'vitest';
import { createSessions } from '../../src/auth/sessions.ts';

const LIFE_MS = 250;

// A socket opens before its subscriptions, and is closed in the turn of the event loop after their last words.
test('sessions of tokens with the same expiry time end in one iteration of the event loop, in the order of their opening', async () => {
  const start = performance.now();
  const now = () => performance.now() - start;
  const sessions = createSessions({ pool: {} as never, now, onUse: () => {}, onError: () => {} });
  const credential = { keyId: 'token', generation: 0, expiresAt: LIFE_MS } as never;
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    sessions.open(credential, () => {
      order.push('socket');
      setImmediate(() => {
        order.push('closed');
        resolve();
      });
    });
    for (const name of ['one', 'two', 'three']) {
      // Timers that start a fraction of a millisecond apart would not end together.
      for (const since = now(); now() < since + 0.7; );
      sessions.open(credential, () => order.push(name));
    }
    sessions.open(credential, () => order.push('released'))();
  });
  expect(now()).toBeGreaterThanOrEqual(LIFE_MS);
  expect(order).toEqual(['socket', 'one', 'two', 'three', 'closed']);
  sessions.close();
});
