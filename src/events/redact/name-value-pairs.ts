import { furtherSensitivity, isIdentifier, memoized, type Sensitivity, wordsOf } from './name-sensitivity.ts';
import { REDACTED, type Span } from './replacement.ts';
import { ENDING_NAMES, SENSITIVE_NAMES } from './secret-names.ts';

const SIGNATURES = ['sig', 'signature'];
const MIN_SIGNATURE = 16;
const MAX_NAME = 64;
// The separators of names and values in JSON (also escaped in a string), headers, query strings, XML and command lines.
const CLOSE = '["\'`\\\\\\]]{0,8}';
const SEPARATOR = `(?:${CLOSE}\\s{0,3}(?:=>|:=|={1,2}|:|%3[Dd])\\s{0,3}|>|\\s{1,3}(?=['"\\w]))`;

const QUOTE = /(\\{0,7})(["'`])/y;
// A separator of pairs ends a value only if a pair or nothing follows, because passwords contain such characters too.
const BARE =
  /(?:\[REDACTED\])?(?:[^\s"'`<>&;,|)}\]%\\，。；、）]|%(?!26)|\\(?!["'nrt])|[&;,|)}\]](?![\s"'`<&;,|)}\]\\]|$|[\w.-]{1,64}\s?[=:]))*/y;
const SCHEME = /(?:bearer|basic|digest|token|negotiate|apikey|dpop|aws4-hmac-sha256)\s{1,3}/iy;
// The name of any authentication scheme; parameters (RFC 9110, 11.4) or one credential follow.
const ANY_SCHEME = /[A-Za-z][\w-]{0,30}[ \t]{1,3}/y;
const PARAMETERS =
  /[\w-]{1,40}\s?=\s?(?:\\{0,7}"[^"\r\n]*"|[^\s,;"'\\]*)(?:\s{0,2},\s{0,2}[\w-]{1,40}\s?=\s?(?:\\{0,7}"[^"\r\n]*"|[^\s,;"'\\]*))*/y;
const IS_CREDENTIAL = /\d|[a-z][A-Z]|[+/=:]|^.{20}/;
const COOKIES = /[^\s"'\\=;,]{1,256}=[^"'\r\n\\]*/y;

const NO_SECRET = /^(?:true|false|yes|no|null|none|nil|undefined|\*+|\[REDACTED\])?$/i;
const WORD = /^(?:\p{L}?\p{Ll}{0,15}|[\p{Lo}\p{M}]{1,16})[.!?。！？]?$/u;
const ENDS_WITH_SPACE = /[\s：]$/;
// Values of counts and of results of checks, such as `pass: 12` and `pin: ok`.
const NO_TEXT = /^(?:\d{1,6}|yes|no|ok|on|off|pass|passed|fail|failed|skipped|error)$/i;

const NAME_END = /=>|:=|={1,2}|[:：＝]|%3[Dd]|>/g;
const OPTION = /--([A-Za-z][\w-]{0,40})\s{1,3}(?=[^\s-])/g;
const VALUE_SPACE = /\s{0,3}/y;
const MAX_CLOSING = 8;
const MAX_SPACES = 3;
const MAX_NAME_WORDS = 4;

/**
 * Makes the redaction of `name=value`, `"name": "value"`, `name: value`, `<name>value`, `--name value` and `NAME 'value'`
 * in a text, for the sensitive names of `sensitivityOf`; `further` are the names that the deployment adds.
 */
export function createPairs(
  sensitivityOf: (key: string) => Sensitivity,
  further: readonly string[],
): (text: string) => string {
  const names = [...SENSITIVE_NAMES, ...Object.values(ENDING_NAMES).flat(), ...further, ...SIGNATURES]
    .map((name) => wordsOf(name).join('[ _.-]?'))
    .filter((stem) => stem !== '');
  const pairs = new RegExp(
    `(?:${names.join('|')})[\\w.-]{0,40}(?: (?:key|number|value|id|no))?(?=${SEPARATOR})`,
    'gi',
  );
  const separators = new RegExp(SEPARATOR, 'iy');
  const redactNamed = (text: string): string => {
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
  return (text) => redactFurther(redactNamed(redactMultipart(text, sensitivityOf)));
}

const sensitivityOfWords = memoized((name) => furtherSensitivity(wordsOf(name)));

/**
 * Replaces the values of `MORE_NAMES`. These are too many for one pattern, so the function searches for the symbols between
 * names and values, and looks up the name before each.
 */
function redactFurther(text: string): string {
  let result = '';
  let rest = 0;
  const redact = (pair: Pair, sensitivity: Sensitivity) => {
    if (pair.start < rest) return;
    const value = secretOf(text, pair, () => sensitivity);
    if (value === undefined) return;
    if (sensitivity === 'text' && NO_TEXT.test(text.slice(value.start, value.end))) return;
    result += text.slice(rest, value.start) + REDACTED;
    rest = value.end;
  };
  NAME_END.lastIndex = 0;
  for (let symbol = NAME_END.exec(text); symbol; symbol = NAME_END.exec(text)) {
    const after = NAME_END.lastIndex;
    const named = after > rest ? nameBefore(text, symbol.index) : undefined;
    const sensitivity = named ? sensitivityOfWords(named.name) : 'none';
    if (named && sensitivity !== 'none') redact(pairAt(text, named, after), sensitivity);
    NAME_END.lastIndex = Math.max(after, rest);
  }
  const kept = rest === 0 ? text : result + text.slice(rest);
  return kept.includes('--') ? redactOptions(kept) : kept;
}

/** `--name value` on a command line. */
function redactOptions(text: string): string {
  let result = '';
  let rest = 0;
  for (const { index, 0: whole, 1: name = '' } of text.matchAll(OPTION)) {
    if (index < rest || sensitivityOfWords(name) === 'none') continue;
    const start = index + 2;
    const end = index + whole.length;
    const pair = { name, start, separator: text.slice(start + name.length, end), end };
    const value = secretOf(text, pair, () => 'scalar');
    if (value === undefined) continue;
    result += text.slice(rest, value.start) + REDACTED;
    rest = value.end;
  }
  return rest === 0 ? text : result + text.slice(rest);
}

function pairAt(
  text: string,
  { name, start, end }: { name: string; start: number; end: number },
  after: number,
): Pair {
  VALUE_SPACE.lastIndex = after;
  VALUE_SPACE.test(text);
  return { name, start, separator: text.slice(end, VALUE_SPACE.lastIndex), end: VALUE_SPACE.lastIndex };
}

function nameBefore(text: string, symbol: number): { name: string; start: number; end: number } | undefined {
  let end = symbol;
  for (let spaces = 0; spaces < MAX_SPACES && isSpace(text, end - 1); spaces += 1) end -= 1;
  for (let closing = 0; closing < MAX_CLOSING && isClosing(text, end - 1); closing += 1) end -= 1;
  const least = Math.max(0, end - MAX_NAME);
  let start = end;
  for (let words = 1; start > least; ) {
    if (isNameCharacter(text.charCodeAt(start - 1))) start -= 1;
    else if (words < MAX_NAME_WORDS && start < end && text[start - 1] === ' ' && start - 1 > least) {
      words += 1;
      start -= 1;
    } else break;
  }
  return start === end ? undefined : { name: text.slice(start, end), start, end };
}

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isClosing(text: string, at: number): boolean {
  return at >= 0 && '"\'`\\]'.includes(text[at] as string);
}

/** ASCII letters, digits, `_`, `-` and `.`; beyond ASCII, everything except punctuation and spaces. */
function isNameCharacter(code: number): boolean {
  if (code < 0x80) return IS_NAME_CHARACTER[code] === 1;
  return (
    code > 0xbf &&
    (code < 0x2000 || code > 0x206f) &&
    (code < 0x3000 || code > 0x303f) &&
    !isFullWidthSign(code)
  );
}

function isFullWidthSign(code: number): boolean {
  return (
    (code >= 0xff01 && code <= 0xff20 && (code < 0xff10 || code > 0xff19)) ||
    (code >= 0xff5b && code <= 0xff65)
  );
}

const IS_NAME_CHARACTER = Uint8Array.from({ length: 0x80 }, (_, code) =>
  /[\w.'-]/.test(String.fromCharCode(code)) && code !== 0x27 ? 1 : 0,
);

interface Pair {
  name: string;
  start: number;
  separator: string;
  /** The end of the separator. */
  end: number;
}

/** The span of the value of a pair, if the value is a secret. */
function secretOf(text: string, pair: Pair, sensitivityOf: (key: string) => Sensitivity): Span | undefined {
  const isSignature = pair.separator === '=' && /(?:^|[^a-z])sig(?:nature)?$/i.test(pair.name);
  if (!isSignature && sensitivityOf(pair.name) === 'none') return undefined;
  if (!isPair(text, pair)) return undefined;
  const { span, form } = valueOfPair(text, pair);
  const value = text.slice(span.start, span.end);
  if (NO_SECRET.test(value)) return undefined;
  if (form === 'credential') return span;
  if (isIdentifier(wholeName(text, pair), value)) return undefined;
  if (isSignature) return value.length >= MIN_SIGNATURE ? span : undefined;
  return form === 'bare' && isProse(pair, value) ? undefined : span;
}

/** How a value is written: in quotes, as the credential of an authorization, as cookies, after a scheme, or bare. */
type ValueForm = 'quoted' | 'credential' | 'cookies' | 'scheme' | 'bare';

function valueOfPair(text: string, { name, end }: Pair): { span: Span; form: ValueForm } {
  const quoted = quotedAt(text, end);
  if (quoted) return { span: quoted, form: 'quoted' };
  const credential = /authorization$/i.test(name) ? credentialAt(text, end) : undefined;
  if (credential) return { span: credential, form: 'credential' };
  const cookies = /cookie$/i.test(name) ? cookiesAt(text, end) : undefined;
  if (cookies) return { span: cookies, form: 'cookies' };
  const start = schemeEnd(text, end);
  return { span: bareAt(text, start), form: start === end ? 'bare' : 'scheme' };
}

// "token: expired" is a sentence.
function isProse({ separator }: Pair, value: string): boolean {
  return ENDS_WITH_SPACE.test(separator) && WORD.test(value) && !separator.includes('=');
}

// The match of a name begins with its sensitive word; other words may come before it.
function wholeName(text: string, { start, name }: Pair): string {
  const before = /[\w.-]*$/.exec(text.slice(Math.max(0, start - MAX_NAME), start));
  return (before?.[0] ?? '') + name;
}

/** Whether a match is a pair, not part of an ARN or of a sentence. */
function isPair(text: string, { start, separator, end }: Pair): boolean {
  let first = start;
  while (first > 0 && start - first < MAX_NAME && /[\w.-]/.test(text[first - 1] as string)) first -= 1;
  if (/^\s+$/.test(separator)) {
    return text[first] === '-' ? text[end] !== '-' : /['"]/.test(text[end] ?? '');
  }
  if (separator === '>') return text[first - 1] === '<' || text[first - 1] === ':';
  return separator !== ':' || first === 0 || !/[:/\w]/.test(text[first - 1] as string);
}

/** A value in quotes, which may be escaped. Without a closing quote, it extends to the end of the text. */
function quotedAt(text: string, at: number): Span | undefined {
  QUOTE.lastIndex = at;
  const match = QUOTE.exec(text);
  if (!match) return undefined;
  const [, escapes = '', quote = '"'] = match;
  const start = QUOTE.lastIndex;
  for (let end = text.indexOf(quote, start); end >= 0; end = text.indexOf(quote, end + 1)) {
    const depth = backslashesBefore(text, end, start);
    // At each level of escaping, a backslash at the end of a value is doubled.
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

/** The credential after the name of any authentication scheme; undefined when the text continues as a sentence. */
function credentialAt(text: string, at: number): Span | undefined {
  ANY_SCHEME.lastIndex = at;
  if (!ANY_SCHEME.test(text)) return undefined;
  const start = ANY_SCHEME.lastIndex;
  PARAMETERS.lastIndex = start;
  const hasParameters = PARAMETERS.test(text);
  const token = bareAt(text, start);
  // `dGVzdA==` looks like a parameter without a value, and so does `auth=` before a value that is longer than a parameter.
  const end = hasParameters ? Math.max(PARAMETERS.lastIndex, token.end) : token.end;
  const value = text.slice(start, end);
  return value === REDACTED || IS_CREDENTIAL.test(value) ? { start, end } : undefined;
}

function bareAt(text: string, at: number): Span {
  BARE.lastIndex = at;
  return { start: at, end: at + (BARE.exec(text)?.[0].length ?? 0) };
}

function cookiesAt(text: string, at: number): Span | undefined {
  COOKIES.lastIndex = at;
  return COOKIES.test(text) ? { start: at, end: COOKIES.lastIndex } : undefined;
}

const FORM_DATA = 'form-data;';
// Line ends may be escaped as in JSON.
const LINE_END = '(?:\\r?\\n|\\\\r\\\\n|\\\\n)';
const NAME = /[;\s]name=\\{0,3}"?([^"\r\n;\\]{1,128})/;
const MAX_DISPOSITION = 256;
const HEADERS_END = new RegExp(`${LINE_END}${LINE_END}`, 'g');
const MAX_HEADERS = 1_024;
const BOUNDARY = new RegExp(`${LINE_END}--`, 'g');

/** Replaces the values of multipart/form-data (RFC 7578) with sensitive names. */
export function redactMultipart(text: string, sensitivityOf: (key: string) => Sensitivity): string {
  let result = '';
  let rest = 0;
  for (let at = text.indexOf(FORM_DATA); at >= 0; at = text.indexOf(FORM_DATA, Math.max(rest, at + 1))) {
    const name = nameAt(text, at + FORM_DATA.length - 1);
    if (name === undefined || sensitivityOf(name) === 'none') continue;
    const start = endOfHeaders(text, at);
    if (start === undefined) continue;
    BOUNDARY.lastIndex = start;
    const end = BOUNDARY.exec(text)?.index ?? text.length;
    if (end === start) continue;
    result += text.slice(rest, start) + REDACTED;
    rest = end;
  }
  return rest === 0 ? text : result + text.slice(rest);
}

function nameAt(text: string, start: number): string | undefined {
  const [, name] = NAME.exec(text.slice(start, start + MAX_DISPOSITION)) ?? [];
  return name;
}

function endOfHeaders(text: string, start: number): number | undefined {
  const headers = text.slice(start, start + MAX_HEADERS);
  HEADERS_END.lastIndex = 0;
  return HEADERS_END.test(headers) ? start + HEADERS_END.lastIndex : undefined;
}
