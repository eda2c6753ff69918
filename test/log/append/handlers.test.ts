import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AuditEvent } from '../../../src/events/fields.ts';
import { createHandlers, type EventHandler, type HandlerFailure } from '../../../src/log/append/handlers.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { keepLog } from '../../support/log-lines.ts';
import { startService, type TestService } from '../../support/service.ts';
import { logWarnings, upTo } from '../../support/write.ts';

const never = new Promise<void>(() => undefined);

/** A handler that keeps the actions of the events it gets, and then does what `work` says. */
function recorder(name: string, work: (event: AuditEvent) => void | Promise<void> = () => undefined) {
  const actions: string[] = [];
  const handle: EventHandler['handle'] = (event) => {
    actions.push(event.action);
    return work(event);
  };
  return { name, handle, actions };
}

describe('in a service', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  test('a handler that throws or hangs is reported and holds up nobody else', async () => {
    // What the slow one has got when the good one has everything.
    let gotBySlow: string[] = [];
    const good = recorder('good', ({ action }) => {
      if (action === 'a3') gotBySlow = [...slow.actions];
    });
    const bad = recorder('bad', ({ action }) => {
      if (action === 'a1') throw new Error('no room');
    });
    const slow = recorder('slow', ({ action }) => (action === 'a1' ? never : undefined));
    const { log, lines } = keepLog();
    const environment = { HANDLER_TIMEOUT_MS: '100' };
    const service = await startService(database.url, environment, { handlers: [good, bad, slow], log });
    await logWarnings(service, 4);
    await vi.waitFor(() => expect(good.actions).toEqual(['a0', 'a1', 'a2', 'a3']), 10_000);
    expect(gotBySlow).not.toContain('a2');
    await vi.waitFor(() => expect(slow.actions).toEqual(good.actions), 10_000);
    expect(bad.actions).toEqual(good.actions);
    const failures = lines.filter(({ msg }) => msg === 'a handler failed');
    expect(failures).toMatchObject([
      {
        handler: 'bad',
        reason: 'threw',
        err: { message: 'no room' },
        eventId: expect.stringMatching(/^audit_/),
      },
      { handler: 'slow', reason: 'timed out' },
    ]);
    await service.stop();
  });

  test('a handler gets what this instance recorded, redacted and with its place, and no duplicate', async () => {
    const events: AuditEvent[] = [];
    const handler = { name: 'all', handle: (event: AuditEvent) => void events.push(event) };
    const [service, other] = (await Promise.all([
      startService(database.url, {}, { handlers: [handler] }),
      startService(database.url),
    ])) as [TestService, TestService];
    await logWarnings(other, 1);
    const more = { idempotencyKey: 'once', details: { password: 'hunter2' } };
    await logWarnings(service, 1, { prefix: 'mine', more });
    await service.ask('mutation ($input: LogEventInput!) { logEvent(input: $input) { status } }', {
      input: { eventType: 'SECURITY_ALERT', severity: 'WARNING', action: 'mine0', ...more },
    });
    await service.stop();
    await other.stop();
    expect(events).toMatchObject([
      { action: 'mine0', details: { password: '[REDACTED]' }, position: expect.any(Number) },
    ]);
  });
});

describe('alone', () => {
  const eventOf = (action: string) => ({ id: `audit_${action}`, action }) as AuditEvent;

  test('every event comes in order, one at a time, and close waits for the last', async () => {
    let atOnce = 0;
    const handler = recorder('steady', async () => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
    });
    const failures: HandlerFailure[] = [];
    const handlers = createHandlers([handler], 5_000, (failure) => failures.push(failure));
    const actions = upTo(100).map(String);
    for (const action of actions) handlers.dispatch([eventOf(action)]);
    expect(handler.actions).toEqual([]);
    await handlers.close();
    expect(handler.actions).toEqual(actions);
    expect(failures).toEqual([]);
  });

  test('what a handler cannot take any more, or not before the stop, is reported event by event', async () => {
    const reasons = new Map<string, number>();
    const handler = recorder('stuck', () => never);
    const handlers = createHandlers([handler], 50, ({ reason }) => {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    });
    handlers.dispatch(upTo(10_002).map((n) => eventOf(`${n}`)));
    await handlers.close();
    expect(reasons.get('was left out: the queue of the handler is full')).toBe(2);
    const handled = handler.actions.length;
    expect(reasons.get('was left out: the service stopped')).toBe(10_000 - handled);
  });
});
