import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Semaphore } from '../../src/db/semaphore.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Pieces of work of which the test says when they begin to be done. */
function pieces() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    begun,
    piece: (name: string) => () => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    },
    end: (name: string) => ends.get(name)?.(),
  };
}

test('lets so many run at a time, the others in the order in which they came', async () => {
  const turns = new Semaphore(2);
  const { begun, piece, end } = pieces();
  const all = ['a', 'b', 'c', 'd'].map((name) => turns.run(piece(name)));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(begun).toEqual(['a', 'b']);
  end('b');
  expect(await all[1]).toBe('b');
  expect(begun).toEqual(['a', 'b', 'c']);
  end('a');
  await all[0];
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
});

test('goes on behind work that fails', async () => {
  const turns = new Semaphore(1);
  await expect(turns.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(turns.run(async () => 'yes')).resolves.toBe('yes');
});

test('takes the turn from work that lasts too long, once', async () => {
  const turns = new Semaphore(1, 5);
  const { begun, piece, end } = pieces();
  const slow = turns.run(piece('slow'));
  const quick = turns.run(piece('quick'));
  const next = turns.run(piece('next'));
  await vi.advanceTimersByTimeAsync(4);
  expect(begun).toEqual(['slow']);
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['slow', 'quick']);
  // Its turn is another's by now: that it ends lets nobody in.
  end('slow');
  expect(await slow).toBe('slow');
  expect(begun).toEqual(['slow', 'quick']);
  end('quick');
  await quick;
  expect(begun).toEqual(['slow', 'quick', 'next']);
  end('next');
  await next;
});
