import type { JsonObject, JsonValue } from './event.ts';

/** Names whose values never land, in every spelling (apiKey, API-Key, x-api-key, userPassword). */
export const SENSITIVE_NAMES = [
  'password',
  'secret',
  'token',
  'api_key',
  'credit_card',
  'ssn',
  'tax_id',
  'bank_account',
  'routing_number',
] as const;

/** What stands in the place of a redacted value. */
export const REDACTED = '[REDACTED]';

const MAX_REMEMBERED_KEYS = 10_000;

/** Returns the value with everything under a sensitive name replaced. */
export type Redact = (value: JsonObject) => JsonObject;

/**
 * Makes the redaction for the built-in names and `further` ones.
 *
 * A key is split into words at separators, digits and changes of case. It is sensitive when some of its words in a row
 * spell a name (`x-api-key`, `passwordHash`, `API_KEYS`), or one word ends with a name (`userpassword`, `accesstoken`);
 * a plural s does not matter. A word that only begins with a name is another word: `tokenizer` and `secretary` stay.
 */
export function createRedact(further: readonly string[] = []): Redact {
  const names = [...SENSITIVE_NAMES, ...further]
    .map((name) => wordsOf(name).join(''))
    .filter((name) => name !== '');
  const remembered = new Map<string, boolean>();
  const isSensitive = (key: string): boolean => {
    const known = remembered.get(key);
    if (known !== undefined) return known;
    if (remembered.size >= MAX_REMEMBERED_KEYS) remembered.clear();
    const sensitive = isSensitiveKey(key, names);
    remembered.set(key, sensitive);
    return sensitive;
  };
  return (value) => redactObject(value, isSensitive);
}

function isSensitiveKey(key: string, names: readonly string[]): boolean {
  const words = wordsOf(key);
  return words.some((word, start) => {
    if (names.some((name) => endsWithName(word, name))) return true;
    let run = '';
    return words.slice(start).some((next) => {
      run += next;
      return names.some((name) => run === name || run === `${name}s`);
    });
  });
}

function endsWithName(word: string, name: string): boolean {
  return word.endsWith(name) || word.endsWith(`${name}s`);
}

function wordsOf(key: string): string[] {
  return key
    .normalize('NFKC')
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '');
}

function redactValue(value: JsonValue, isSensitive: (key: string) => boolean): JsonValue {
  if (Array.isArray(value)) return redactArray(value, isSensitive);
  return value !== null && typeof value === 'object' ? redactObject(value, isSensitive) : value;
}

function redactArray(array: JsonValue[], isSensitive: (key: string) => boolean): JsonValue[] {
  return array.map((element) => redactValue(element, isSensitive));
}

function redactObject(object: JsonObject, isSensitive: (key: string) => boolean): JsonObject {
  const copy: JsonObject = {};
  for (const [key, value] of Object.entries(object)) {
    copy[key] = isSensitive(key) ? REDACTED : redactValue(value, isSensitive);
  }
  return copy;
}
