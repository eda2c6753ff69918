import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { customerPath, hasDotSegment, parseCustomerSegment } from '../../src/merkle/tile-files.ts';

const NASTY = [
  '',
  '.',
  '..',
  '%2e%2e',
  '../x',
  'a/b',
  'a\\b',
  '~',
  'u',
  'é☕🦊',
  'a b',
  '\ufeff',
  '?#',
  '//',
];
const id = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'grapheme', maxLength: 40 }));

describe("the path of a customer's tree", () => {
  test('is the same whatever normalises it, and names the customer', () => {
    fc.assert(
      fc.property(id, (customerId) => {
        const path = customerPath(customerId);
        expect(path).toMatch(/^customers-by-id\/u[A-Za-z0-9_-]*$/);
        expect(new URL(`http://log.example/base/${path}/checkpoint`).pathname).toBe(
          `/base/${path}/checkpoint`,
        );
        expect(decodeURIComponent(path)).toBe(path);
        expect(parseCustomerSegment(path.split('/')[1] as string)).toBe(customerId);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each(['', 'Li4', 'uLi4=', 'uLi5', 'uL', 'u_w', 'u7aCA', 'uLi4/', 'u Li4', 'u+w', 'ULi4'])(
    'is not "%s"',
    (segment) => expect(parseCustomerSegment(segment)).toBeUndefined(),
  );
});

test.each([
  ['http://a/b/../c', true],
  ['http://a/b/.', true],
  ['http://a/%2E%2e/c', true],
  ['http://a/.%2e?b', true],
  ['http://a\\..\\b', true],
  ['..', true],
  ['http://a/b..c/...', false],
  ['http://a/.well-known/x', false],
  ['http://127.0.0.1:1/', false],
])('a dot segment in %s: %s', (path, is) => expect(hasDotSegment(path)).toBe(is));
