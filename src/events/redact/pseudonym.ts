import { createHmac } from 'node:crypto';
import { canonicalJson } from '../canonical.ts';
import type { JsonValue } from '../event.ts';

const PREFIX = 'hmac:';
// 128 bits: enough that no two values of a log get the same.
const DIGITS = 32;
const SHAPE = /^hmac:[0-9a-f]{32}$/;

/**
 * Makes the keyed hash that stands for a value: `hmac:` and the first 32 hex digits of HMAC-SHA-256 over its UTF-8 (over
 * its RFC 8785 form unless it is a text). Equal values have equal ones; who does not know the key can neither compute nor
 * guess them back. One that is such a hash already stays.
 */
export function createPseudonym(key: Uint8Array): (value: JsonValue) => string {
  return (value) => {
    const text = typeof value === 'string' ? value : canonicalJson(value);
    if (SHAPE.test(text)) return text;
    return PREFIX + createHmac('sha256', key).update(text).digest('hex').slice(0, DIGITS);
  };
}
