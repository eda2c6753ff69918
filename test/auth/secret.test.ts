import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSecret, isMistyped } from '../../src/auth/api-keys.ts';

test('a secret has a prefix, 256 random bits and a checksum in letters and digits alone', () => {
  const secrets = Array.from({ length: 500 }, createSecret);
  for (const secret of secrets) {
    expect(secret).toMatch(/^aul_[0-9A-Za-z]{49}$/);
    expect(isMistyped(secret)).toBe(false);
  }
  expect(new Set(secrets).size).toBe(500);
});

test('one wrong digit, or two swapped digits, are detected', () => {
  const digit = fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');
  const place = fc.integer({ min: 4, max: 52 });
  const property = fc.property(place, digit, (at, wrong) => {
    const secret = createSecret();
    const altered = secret.slice(0, at) + wrong + secret.slice(at + 1);
    expect(isMistyped(altered)).toBe(altered !== secret);
    const swapped = secret.slice(0, at - 1) + secret[at] + secret[at - 1] + secret.slice(at + 1);
    if (at > 4) expect(isMistyped(swapped)).toBe(swapped !== secret);
  });
  fc.assert(property, { numRuns: 500 });
});

test('a text of another form is not taken for a mistyped secret', () => {
  for (const text of ['', 'a-key-of-the-operator-0123456789abcdef', 'aul_short', `${createSecret()}x`]) {
    expect(isMistyped(text)).toBe(false);
  }
});
