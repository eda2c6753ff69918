import { expect, test } from 'vitest';
import { isReserved } from '../../src/events/reserved-resource-type.ts';
import { DISGUISES, UNUSED } from '../support/reserved.ts';

test.each(DISGUISES)('%j looks like the resource type of the log', (text) => {
  expect(isReserved(text)).toBe(true);
  expect(isReserved(`${text}.api_key`)).toBe(true);
});

test.each(UNUSED)('%j is free for clients', (text) => {
  expect(isReserved(text)).toBe(false);
});
