import { ENDING_NAMES, MORE_NAMES, SENSITIVE_NAMES } from './secret-names.ts';

// Only the end of a longer key is examined.
const MAX_JUDGED = 256;
const MAX_REMEMBERED = 10_000;
const MAX_REMEMBERED_LENGTH = 64;

/**
 * How the name of a value decides its redaction:
 *
 * | level    | string           | number           | elements of an array | members of an object |
 * | -------- | ---------------- | ---------------- | -------------------- | -------------------- |
 * | `any`    | replaced         | replaced         | replaced as a whole  | replaced as a whole  |
 * | `deep`   | replaced         | replaced         | `deep`               | `deep`               |
 * | `list`   | replaced         | by form: a count | `deep`               | `deep`               |
 * | `scalar` | replaced         | replaced         | `scalar`             | by their own names   |
 * | `text`   | replaced         | by form: a count | `text`               | by their own names   |
 * | `none`   | by form          | by form          | by form              | by their own names   |
 *
 * `true`, `false` and null stay under every level except `any`. "By form" replaces tokens, numbers of cards and the like.
 */
export type Sensitivity = 'any' | 'deep' | 'list' | 'scalar' | 'text' | 'none';

// Endings that may follow a name within one lower-case word: secretkey, passwordhash.
const ENDINGS = /(?:access)?keys?$|hash(?:ed)?$|value$|text$|string$|data$|number$|num$|no$|digest$/;
// Words that may follow one of `MORE_NAMES`: pinCode, otp_value, jwtString.
const FOLLOWING = new Set(
  'code value text string hash hashed number num no digest data raw plain plaintext encrypted base64 b enc current old new confirm confirmation again repeat'.split(
    ' ',
  ),
);
const MAX_FOLLOWING = 2;
// Last words of keys that describe a secret and do not hold it: passwordResetRequired.
const ABOUT = new Set(
  'required updated changed expired expires expiry expiration type count policy length status enabled age used name arn url uri endpoint prevention'.split(
    ' ',
  ),
);
const MOMENT = /(?:expires?|created|issued|updated|used|changed|rotated)(?:at|in|on)$/;
const DESCRIBABLE = new Set(['password', 'secret', 'token', 'apikey']);
// `secret_id` is not an identifier: it is a credential of Vault and of Nomad.
const HAS_IDS = new Set(['token', 'apikey']);

// Latin names of at least this length, and names in scripts without spaces, are also found at the end of a compound.
const MIN_COMPOUND = 7;
const IS_LATIN = /^[a-z]+$/;
const IS_SPACELESS = /^[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]+$/u;
const MAX_NAME_WORDS = 4;
const IS_ASCII = /^\p{ASCII}*$/u;
// Letters that NFKD does not decompose, which keys write without their strokes and dots.
const PLAIN_LETTERS: Record<string, string> = { ı: 'i', ł: 'l', Ł: 'L', ø: 'o', Ø: 'O', ß: 'ss' };

/**
 * Makes the function that determines the sensitivity of a key, by the built-in names and `further` ones.
 *
 * A key is split into words at separators, digits and changes of case. Its level is `any` when consecutive words spell a
 * name of `SENSITIVE_NAMES` (`x-api-key`, `passwordHash`, `API_KEYS`), or when one word ends with such a name
 * (`userpassword`, `accesstoken`) or with a name and an ending (`secretkey`), in the singular or the plural. A word that
 * only begins with a name is not sensitive (`tokenizer`, `secretary`), nor is a key that describes a secret
 * (`passwordResetRequired`, `tokenType`, `token_expires_at`, `tokenId`). The names of the other tables are matched only at
 * the end of a key. It remembers no key: a key may hold a secret, which must not stay in memory.
 */
export function createNameSensitivity(further: readonly string[] = []): (key: string) => Sensitivity {
  const names = new Set([...SENSITIVE_NAMES, ...further].map(joined).filter((name) => name !== ''));
  const longest = Math.max(...[...names].map((name) => name.length)) + 1;
  return (key) => {
    const words = wordsOf(key.slice(-MAX_JUDGED));
    if (words.some((_, start) => isNamedAt(words, start, names, longest))) return 'any';
    // A path, such as /etc/passwd, is not a name.
    if (key.includes('/')) return 'none';
    const last = words.slice(-3).join('');
    for (const [name, sensitivity] of ENDINGS_OF_KEYS) if (last.endsWith(name)) return sensitivity;
    return furtherSensitivity(words);
  };
}

const ENDINGS_OF_KEYS = byName(ENDING_NAMES);
const FURTHER = byName(MORE_NAMES);
const COMPOUNDS = new Map(
  [...FURTHER].filter(
    ([name, sensitivity]) =>
      IS_SPACELESS.test(name) ||
      (sensitivity === 'deep' && name.length >= MIN_COMPOUND && IS_LATIN.test(name)),
  ),
);
const LONGEST_COMPOUND = Math.max(...[...COMPOUNDS.keys()].map((name) => name.length));

/** The sensitivity of a key with these words by `MORE_NAMES`, matched at its end and before a word that may follow. */
export function furtherSensitivity(words: readonly string[]): Sensitivity {
  for (let end = words.length; end > 0 && end >= words.length - MAX_FOLLOWING; end -= 1) {
    let run = '';
    for (let start = end - 1; start >= 0 && start >= end - MAX_NAME_WORDS; start -= 1) {
      run = words[start] + run;
      const sensitivity = FURTHER.get(run);
      if (sensitivity) return sensitivity;
    }
    const last = words[end - 1] as string;
    const compound = endingOf(last, COMPOUNDS, LONGEST_COMPOUND);
    if (compound !== undefined) return COMPOUNDS.get(compound) as Sensitivity;
    if (!FOLLOWING.has(last)) break;
  }
  return 'none';
}

function byName(table: Partial<Record<Sensitivity, readonly string[]>>): Map<string, Sensitivity> {
  const entries = Object.entries(table) as [Sensitivity, readonly string[]][];
  return new Map(entries.flatMap(([kind, names]) => names.map((name) => [joined(name), kind] as const)));
}

// Without digits: a name with digits may be a secret, which must not stay in memory.
const IS_PLAIN_NAME = /^[A-Za-z _.-]+$/;

/** Remembers the results for short keys of letters. */
export function memoized(judge: (key: string) => Sensitivity): (key: string) => Sensitivity {
  const remembered = new Map<string, Sensitivity>();
  return (key) => {
    const known = remembered.get(key);
    if (known) return known;
    const sensitivity = judge(key);
    if (key.length > MAX_REMEMBERED_LENGTH || !IS_PLAIN_NAME.test(key)) return sensitivity;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(copyOf(key), sensitivity);
    return sensitivity;
  };
}

/** A copy of a text to remember. V8 keeps the whole text that a part was taken from, with the secrets in it. */
export function copyOf(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

function withoutDiacritics(text: string): string {
  if (IS_ASCII.test(text)) return text;
  const letters = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .normalize('NFC');
  return letters.replace(/[ıłŁøØß]/g, (letter) => PLAIN_LETTERS[letter] as string);
}

/** The words of a key in lower case, without diacritics: split at separators, digits and changes of case. */
export function wordsOf(key: string): string[] {
  return withoutDiacritics(key)
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '');
}

function joined(name: string): string {
  return wordsOf(name).join('');
}

function isNamedAt(
  words: readonly string[],
  start: number,
  names: ReadonlySet<string>,
  longest: number,
): boolean {
  const word = words[start] as string;
  const ending = endingOf(word, names, longest) ?? endingOf(word.replace(ENDINGS, ''), names, longest);
  if (ending !== undefined && !isAbout(ending, words, start + 1)) return true;
  let run = '';
  for (let next = start; next < words.length && run.length <= longest; next += 1) {
    run += words[next];
    const name = nameOf(run, names);
    if (name !== undefined && !isAbout(name, words, next + 1)) return true;
  }
  return false;
}

/** The longest name that the word ends with, a plural s aside. */
function endingOf(word: string, names: { has(name: string): boolean }, longest: number): string | undefined {
  for (let start = Math.max(0, word.length - longest - 1); start < word.length; start += 1) {
    const name = nameOf(word.slice(start), names);
    if (name !== undefined) return name;
  }
  return undefined;
}

function nameOf(text: string, names: { has(name: string): boolean }): string | undefined {
  if (names.has(text)) return text;
  return text.endsWith('s') && names.has(text.slice(0, -1)) ? text.slice(0, -1) : undefined;
}

function isAbout(name: string, words: readonly string[], after: number): boolean {
  const last = words.at(-1);
  if (after >= words.length || last === undefined || !DESCRIBABLE.has(name)) return false;
  const lastTwo = words.slice(Math.max(after, words.length - 2)).join('');
  return ABOUT.has(last) || MOMENT.test(lastTwo) || (last === 'id' && HAS_IDS.has(name));
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** Values under sensitive names that are identifiers: they give no access, and logs are searched by them. */
export const IDENTIFIERS: readonly { key: RegExp; value: RegExp }[] = [
  // The ids of AWS's keys, and the ARN and the versions of a secret.
  { key: /(?:access_?key|principal)_?id$/i, value: /^A[KS]IA[A-Z0-9]{16}$/ },
  { key: /secret_?id$/i, value: /^arn:[\w-]{1,20}:secretsmanager:[\w:/+=.@-]{1,600}$/ },
  { key: /secret_?version_?id$/i, value: new RegExp(`^${UUID}$`, 'i') },
  // AWS: idempotency tokens of requests.
  {
    key: /client_?(?:request_?)?token$/i,
    value: new RegExp(`^(?:[a-z]{1,20}-)?${UUID}(?:-\\d{1,4})?$`, 'i'),
  },
  // The key id of a principal with a token, made from its issuer and its subject (src/auth/tokens.ts).
  { key: /^jwt$/i, value: /^[\da-f]{12}:/ },
  // URLs of databases without user, password and parameters.
  {
    key: /(?:database|db|mongo|mongodb|redis|amqp)_?ur[il]$/i,
    value: /^[a-z][a-z\d+.-]{0,20}:\/\/[\w.:[\]-]{1,256}(?:\/[\w.-]{0,64})?$/i,
  },
  // The setting of EC2 instance metadata.
  { key: /http_?tokens$/i, value: /^(?:optional|required)$/i },
];

/** Whether a value is such an identifier under its name. */
export function isIdentifier(name: string, value: string): boolean {
  return IDENTIFIERS.some(({ key, value: form }) => form.test(value) && key.test(name));
}
