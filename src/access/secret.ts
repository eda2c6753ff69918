import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'aul_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
// 62^43 > 2^256 and 62^6 > 2^32.
const RANDOM_DIGITS = 43;
const CHECK_DIGITS = 6;
const SHAPE = new RegExp(`^${PREFIX}[0-9A-Za-z]{${RANDOM_DIGITS + CHECK_DIGITS}}$`);

/**
 * A new secret for a key: `aul_`, 32 random bytes as 43 digits in base 62, and the CRC-32 of all before it as 6 more, so
 * that a scanner tells a leaked secret from other text without asking anybody (as with GitHub's tokens).
 */
export function createSecret(): string {
  const random = BigInt(`0x${randomBytes(32).toString('hex')}`);
  const text = PREFIX + base62(random, RANDOM_DIGITS);
  return text + checksumOf(text);
}

/** Whether the text has the shape of our secrets but a wrong checksum: nobody was ever given it. */
export function isMistyped(secret: string): boolean {
  return SHAPE.test(secret) && secret.slice(-CHECK_DIGITS) !== checksumOf(secret.slice(0, -CHECK_DIGITS));
}

/**
 * What is stored of a secret: its SHA-256. One round of a fast hash is right here: the secret is 256 random bits, not a
 * password that somebody chose, so there is nothing to guess that a slow hash would make dearer.
 */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function checksumOf(text: string): string {
  return base62(BigInt(crc32(text)), CHECK_DIGITS);
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text;
  return text;
}
