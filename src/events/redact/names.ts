/** Names whose values never land, whatever they are, in every spelling (apiKey, API-Key, x-api-key, userPassword). */
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

/** Names that, at the end of a key, make a text or a number a secret; what they hold otherwise is looked through. */
export const SCALAR_NAMES = [
  'passwd',
  'pwd',
  'passphrase',
  'private_key',
  'access_key',
  'account_key',
  'authorization',
  'cookie',
  'cvv',
  'cvc',
] as const;

// Of a longer key the end alone is judged.
const MAX_JUDGED = 256;
const MAX_REMEMBERED = 10_000;
const MAX_REMEMBERED_LENGTH = 64;

/** What may not stay under a key: any value, a text or a number, or nothing of note. */
export type Sensitivity = 'any' | 'scalar' | 'none';

// What may follow a name within one lower-case word: secretkey, passwordhash.
const ENDINGS = /(?:access)?keys?$|hash(?:ed)?$|value$|text$|string$|data$|number$|num$|no$|digest$/;
// A key that ends with one of these says something about the secret instead of holding it: passwordResetRequired.
const ABOUT = new Set(
  'required updated changed expired expires expiry expiration type count policy length status enabled age used name arn url uri endpoint prevention'.split(
    ' ',
  ),
);
const MOMENT = /(?:expires?|created|issued|updated|used|changed|rotated)(?:at|in|on)$/;
const DESCRIBABLE = new Set(['password', 'secret', 'token', 'apikey']);
// `secret_id` is none: it is a credential of Vault and of Nomad.
const HAS_IDS = new Set(['token', 'apikey']);

/**
 * Makes the judge of keys for the built-in names and `further` ones.
 *
 * A key is split into words at separators, digits and changes of case. It is sensitive when some of its words in a row
 * spell a name (`x-api-key`, `passwordHash`, `API_KEYS`), or one word ends with a name (`userpassword`, `accesstoken`) or
 * with a name and an ending (`secretkey`); a plural s does not matter. A word that only begins with a name is another
 * word: `tokenizer` and `secretary` stay. So does a key that says something about a secret: `passwordResetRequired`,
 * `tokenType`, `token_expires_at`, `tokenId`.
 */
export function createNames(further: readonly string[] = []): (key: string) => Sensitivity {
  const names = [...SENSITIVE_NAMES, ...further].map(joined).filter((name) => name !== '');
  const longest = Math.max(...names.map((name) => name.length)) + 1;
  const scalars = SCALAR_NAMES.map(joined);
  return remembering((key) => {
    const words = wordsOf(key.slice(-MAX_JUDGED));
    if (words.some((_, start) => isNamedAt(words, start, names, longest))) return 'any';
    // /etc/passwd is a file.
    if (key.includes('/')) return 'none';
    const last = words.slice(-3).join('');
    return scalars.some((name) => last.endsWith(name)) ? 'scalar' : 'none';
  });
}

function remembering(judge: (key: string) => Sensitivity): (key: string) => Sensitivity {
  const remembered = new Map<string, Sensitivity>();
  return (key) => {
    const known = remembered.get(key);
    if (known) return known;
    const sensitivity = judge(key);
    if (key.length > MAX_REMEMBERED_LENGTH) return sensitivity;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(key, sensitivity);
    return sensitivity;
  };
}

/** The words of a key in lower case: split at separators, digits and changes of case. */
export function wordsOf(key: string): string[] {
  return key
    .normalize('NFKC')
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '');
}

function joined(name: string): string {
  return wordsOf(name).join('');
}

function isNamedAt(words: string[], start: number, names: readonly string[], longest: number): boolean {
  const word = words[start] as string;
  const stem = word.replace(ENDINGS, '');
  const ending = names.find((name) => endsWithName(word, name) || endsWithName(stem, name));
  if (ending !== undefined && !isAbout(ending, words, start + 1)) return true;
  let run = '';
  for (let next = start; next < words.length && run.length <= longest; next += 1) {
    run += words[next];
    const name = names.find((known) => run === known || run === `${known}s`);
    if (name !== undefined && !isAbout(name, words, next + 1)) return true;
  }
  return false;
}

function endsWithName(word: string, name: string): boolean {
  return word.endsWith(name) || word.endsWith(`${name}s`);
}

function isAbout(name: string, words: string[], after: number): boolean {
  const last = words.at(-1);
  if (after >= words.length || last === undefined || !DESCRIBABLE.has(name)) return false;
  const lastTwo = words.slice(Math.max(after, words.length - 2)).join('');
  return ABOUT.has(last) || MOMENT.test(lastTwo) || (last === 'id' && HAS_IDS.has(name));
}
