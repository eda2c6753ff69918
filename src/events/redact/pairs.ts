import { isIdentifier } from './identifiers.ts';
import { SCALAR_NAMES, SENSITIVE_NAMES, type Sensitivity, wordsOf } from './names.ts';
import { REDACTED } from './replaced.ts';

const SIGNATURES = ['sig', 'signature'];
const MIN_SIGNATURE = 16;
const MAX_NAME = 64;
// What stands between a name and its value: in JSON (also as text in JSON), headers, queries, XML, on command lines.
const CLOSE = '["\'`\\\\\\]]{0,8}';
const SEPARATOR = `(?:${CLOSE}\\s{0,3}(?:=>|:=|={1,2}|:|%3[Dd])\\s{0,3}|>|\\s{1,3}(?=['"\\w]))`;

const QUOTE = /(\\{0,7})(["'`])/y;
// A separator of pairs ends a value only where a pair or nothing follows: passwords hold them too.
const BARE =
  /(?:\[REDACTED\])?(?:[^\s"'`<>&;,|)}\]%\\]|%(?!26)|\\(?!["'nrt])|[&;,|)}\]](?![\s"'`<&;,|)}\]\\]|$|[\w.-]{1,64}\s?[=:]))*/y;
const SCHEME = /(?:bearer|basic|digest|token|negotiate|apikey|dpop|aws4-hmac-sha256)\s{1,3}/iy;
const COOKIES = /[^\s"'\\=;,]{1,256}=[^"'\r\n\\]*/y;

const NO_SECRET = /^(?:true|false|yes|no|null|none|nil|undefined|\*+|\[REDACTED\])?$/i;
const WORD = /^[A-Za-z]?[a-z]{0,15}[.!?]?$/;

/**
 * Makes the redaction of `name=value`, `"name": "value"`, `name: value`, `<name>value`, `--name value` and `NAME 'value'`
 * in a text, for the names that `sensitivityOf` tells; `further` are the names that a deployment has added.
 */
export function createPairs(
  sensitivityOf: (key: string) => Sensitivity,
  further: readonly string[],
): (text: string) => string {
  const names = [...SENSITIVE_NAMES, ...SCALAR_NAMES, ...further, ...SIGNATURES]
    .map((name) => wordsOf(name).join('[ _.-]?'))
    .filter((stem) => stem !== '');
  const pairs = new RegExp(
    `(?:${names.join('|')})[\\w.-]{0,40}(?: (?:key|number|value|id|no))?(?=${SEPARATOR})`,
    'gi',
  );
  const separators = new RegExp(SEPARATOR, 'iy');
  return (text) => {
    let result = '';
    let rest = 0;
    for (pairs.lastIndex = 0; ; ) {
      const match = pairs.exec(text);
      if (!match) return rest === 0 ? text : result + text.slice(rest);
      separators.lastIndex = pairs.lastIndex;
      const separator = separators.exec(text)?.[0] ?? '';
      const pair = { name: match[0], start: match.index, separator, end: separators.lastIndex };
      const value = pair.start < rest ? undefined : secretOf(text, pair, sensitivityOf);
      if (value === undefined) continue;
      result += text.slice(rest, value.start) + REDACTED;
      rest = value.end;
      pairs.lastIndex = value.end;
    }
  };
}

interface Pair {
  name: string;
  start: number;
  separator: string;
  /** Where the separator ends. */
  end: number;
}

interface Span {
  start: number;
  end: number;
}

/** Where the value of a pair is, if it is a secret. */
function secretOf(text: string, pair: Pair, sensitivityOf: (key: string) => Sensitivity): Span | undefined {
  const { name, separator } = pair;
  const isSignature = separator === '=' && /(?:^|[^a-z])sig(?:nature)?$/i.test(name);
  if (!isSignature && sensitivityOf(name) === 'none') return undefined;
  if (!isPair(text, pair)) return undefined;
  const quoted = quotedAt(text, pair.end);
  const scheme = quoted ? pair.end : schemeEnd(text, pair.end);
  const cookies = /cookie$/i.test(name) ? cookiesAt(text, pair.end) : undefined;
  const span = quoted ?? cookies ?? bareAt(text, scheme);
  const value = text.slice(span.start, span.end);
  if (NO_SECRET.test(value) || isIdentifier(wholeName(text, pair), value)) return undefined;
  if (isSignature) return value.length >= MIN_SIGNATURE ? span : undefined;
  // "token: expired" is a sentence.
  const isProse = !quoted && scheme === pair.end && /\s$/.test(separator) && WORD.test(value);
  return isProse && !separator.includes('=') ? undefined : span;
}

// The pattern of names begins with the word that tells, which others may come before.
function wholeName(text: string, { start, name }: Pair): string {
  const before = /[\w.-]*$/.exec(text.slice(Math.max(0, start - MAX_NAME), start));
  return (before?.[0] ?? '') + name;
}

/** Whether what looks like a pair is one: not part of an ARN or of a sentence. */
function isPair(text: string, { start, separator, end }: Pair): boolean {
  let first = start;
  while (first > 0 && start - first < MAX_NAME && /[\w.-]/.test(text[first - 1] as string)) first -= 1;
  if (/^\s+$/.test(separator)) {
    return text[first] === '-' ? text[end] !== '-' : /['"]/.test(text[end] ?? '');
  }
  if (separator === '>') return text[first - 1] === '<' || text[first - 1] === ':';
  return separator !== ':' || first === 0 || !/[:/\w]/.test(text[first - 1] as string);
}

/** A value in quotes, also where the quotes are escaped; one without an end is up to the text's. */
function quotedAt(text: string, at: number): Span | undefined {
  QUOTE.lastIndex = at;
  const match = QUOTE.exec(text);
  if (!match) return undefined;
  const [, escapes = '', quote = '"'] = match;
  const start = QUOTE.lastIndex;
  for (let end = text.indexOf(quote, start); end >= 0; end = text.indexOf(quote, end + 1)) {
    const depth = backslashesBefore(text, end, start);
    // A backslash at the end of a value is written as two.
    if (depth <= escapes.length || (depth - escapes.length) % (2 * (escapes.length + 1)) === 0) {
      return { start, end: end - Math.min(depth, escapes.length) };
    }
  }
  return { start, end: text.length };
}

function backslashesBefore(text: string, at: number, start: number): number {
  let count = 0;
  while (at - count > start && text[at - count - 1] === '\\') count += 1;
  return count;
}

function schemeEnd(text: string, at: number): number {
  SCHEME.lastIndex = at;
  return SCHEME.test(text) ? SCHEME.lastIndex : at;
}

function bareAt(text: string, at: number): Span {
  BARE.lastIndex = at;
  return { start: at, end: at + (BARE.exec(text)?.[0].length ?? 0) };
}

function cookiesAt(text: string, at: number): Span | undefined {
  COOKIES.lastIndex = at;
  return COOKIES.test(text) ? { start: at, end: COOKIES.lastIndex } : undefined;
}
