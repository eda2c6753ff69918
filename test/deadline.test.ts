import { expect, test } from 'vitest';
import { withDeadline } from '../src/deadline.ts';

const never = new Promise<string>(() => undefined);
const inTime = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

test('work that is done in time decides, and its timer is cleared', async () => {
  const before = inTime();
  expect(await withDeadline(Promise.resolve('done'), 60_000, () => 'late')).toBe('done');
  await expect(withDeadline(Promise.reject(new Error('failed')), 60_000, () => 'late')).rejects.toThrow(
    'failed',
  );
  expect(inTime()).toBe(before);
});

test('after the deadline its function decides', async () => {
  expect(await withDeadline(never, 1, () => 'late')).toBe('late');
  const refuse = () => {
    throw new Error('refused');
  };
  await expect(withDeadline(never, 1, refuse)).rejects.toThrow('refused');
});
