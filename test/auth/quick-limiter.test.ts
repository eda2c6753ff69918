import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createQuickLimiter } from '../../src/auth/gate.ts';

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
  const limit = createQuickLimiter(2, 120_000);
  const { begun, piece, end } = pieces();
  const all = ['a', 'b', 'c', 'd'].map((name) => limit(piece(name)));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(begun).toEqual(['a', 'b']);
  end('b');
  expect(await all[1]).toBe('b');
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(['a', 'b', 'c']);
  end('a');
  await all[0];
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
});

test('goes on behind work that fails', async () => {
  const limit = createQuickLimiter(1, 1_000);
  await expect(limit(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(limit(async () => 'yes')).resolves.toBe('yes');
});

test('frees the slot of work that lasts too long, once', async () => {
  const limit = createQuickLimiter(1, 5);
  const { begun, piece, end } = pieces();
  const slow = limit(piece('slow'));
  const quick = limit(piece('quick'));
  const next = limit(piece('next'));
  await vi.advanceTimersByTimeAsync(4);
  expect(begun).toEqual(['slow']);
  await vi.advanceTimersByTimeAsync(1);
  expect(begun).toEqual(['slow', 'quick']);
  // Its slot was freed before: its end starts no further work.
  end('slow');
  expect(await slow).toBe('slow');
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(['slow', 'quick']);
  end('quick');
  await quick;
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toEqual(['slow', 'quick', 'next']);
  end('next');
  await next;
});
