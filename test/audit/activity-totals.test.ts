import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ActivityTotal, ActivityTotals } from '../../src/audit/activity-totals.ts';

const MOST = 3;
const deeds = fc.array(
  fc.record({
    userId: fc.constantFrom('a', 'b', 'c', undefined),
    ipAddress: fc.constantFrom('192.0.2.1', '192.0.2.2', undefined),
    what: fc.constantFrom('node', 'auditEvents'),
    events: fc.integer({ min: 0, max: 9 }),
    isTaken: fc.boolean(),
    isKept: fc.boolean(),
  }),
);

const countOf = ({ times }: ActivityTotal) => [...times.values()].reduce((all, count) => all + count, 0);
const allOf = (totals: ActivityTotal[], of: (sum: ActivityTotal) => number) =>
  totals.reduce((all, sum) => all + of(sum), 0);

test('no activity goes uncounted when totals are taken and put back, and their number is bounded', () => {
  fc.assert(
    fc.property(deeds, (done) => {
      const tally = new ActivityTotals(MOST);
      const recorded: ActivityTotal[] = [];
      done.forEach(({ userId, ipAddress, what, events, isTaken, isKept }, now) => {
        tally.add({ userId, ipAddress }, { what, events }, now);
        if (!isTaken) return;
        const totals = tally.take();
        expect(totals.length).toBeLessThanOrEqual(MOST + 1);
        if (isKept) recorded.push(...totals);
        else tally.putBack(totals);
      });
      recorded.push(...tally.take());
      expect(allOf(recorded, countOf)).toBe(done.length);
      expect(allOf(recorded, ({ events }) => events)).toBe(allOf(done as never, ({ events }) => events));
      expect(tally.take()).toEqual([]);
      for (const { first, last } of recorded) expect(first).toBeLessThanOrEqual(last);
    }),
  );
});

test('totals that are put back are added to new ones, with the first and the last time', () => {
  const tally = new ActivityTotals(MOST);
  tally.add({ userId: 'a' }, { what: 'node', events: 1 }, 10);
  const taken = tally.take();
  tally.add({ userId: 'a' }, { what: 'node', events: 2 }, 20);
  tally.putBack(taken);
  expect(tally.take()).toEqual([
    { actor: { userId: 'a' }, times: new Map([['node', 2]]), events: 3, first: 10, last: 20 },
  ]);
});
