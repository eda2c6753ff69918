import { REDACTED } from './replacement.ts';

const BEARER = /(\bbearer(?:\s|\+|%20){1,3})([\w.~+/-]{8,}=*)/gi;
const BASIC = /(\bbasic(?:\s|\+|%20){1,3})([A-Za-z0-9+/_-]{6,}={0,2})/gi;

// Up to the last @ before the path; otherwise a password with unescaped / ? #, which must not look like a port.
const IN_URL =
  /(:\\?\/\\?\/[^\s/?#@:"'<>]{0,64}:)(?:[^\s/?#"'<>]{1,256}(?=@)|(?!\d{1,5}[/?#])[^\s"'<>]{1,100}?(?=@))/g;
// A token in place of the user, as git writes it.
const USER_IN_URL = /(:\\?\/\\?\/)[^\s/?#@:"'<>]{8,256}(?=:(?:x-oauth-basic)?@)/g;
const CURL_USER = /(\s(?:-u|--user)[ =]["']?[^\s:"']{1,128}:)[^\s"']{1,256}/g;

/** Patterns, at the start of a word, that every text with such credentials has and few other texts have. */
export const HEADER_MARKS: readonly string[] = [
  '[Bb]earer[\\s+%]',
  'BEARER[\\s+%]',
  '[Bb]asic[\\s+%]',
  'BASIC[\\s+%]',
  `:\\\\?/\\\\?/[^\\s/?#@:"'<>]{0,64}:(?!\\d{1,5}(?:[/?#\\s]|$))`,
  'curl\\s',
];

/** Replaces the credentials of HTTP authentication schemes, and passwords in URLs. */
export function redactHeaders(text: string): string {
  const result = text
    .replace(BEARER, (match, scheme: string, value: string, offset: number) =>
      isRandom(value) && !isName(text, offset + match.length) ? scheme + REDACTED : match,
    )
    .replace(BASIC, (match, scheme: string, value: string) => (isPair(value) ? scheme + REDACTED : match))
    .replace(USER_IN_URL, `$1${REDACTED}`)
    .replace(IN_URL, `$1${REDACTED}`);
  return result.includes('curl') ? result.replace(CURL_USER, `$1${REDACTED}`) : result;
}

// Excludes an ordinary word after "bearer" in a sentence.
function isRandom(value: string): boolean {
  return value.length >= 24 || /\d/.test(value) || /[a-z][A-Z]/.test(value);
}

// Excludes the next name in tokenType=Bearer expires_in=3600.
function isName(text: string, end: number): boolean {
  return text[end - 1] === '=' && /\w/.test(text[end] ?? '');
}

function isPair(value: string): boolean {
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.includes(':') && !/[\p{Cc}\ufffd]/u.test(text);
}

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const END = '-----END';
const PUTTY = /\bPrivate-Lines: ?\d/g;

/** Patterns, at the start of a word, that every text with a private key has and few other texts have. */
export const KEY_MARKS: readonly string[] = ['PRIVATE KEY', 'Private-Lines:'];

/** Replaces private keys, also with escaped line ends (`\n`). A key without an end marker extends to the end of the text. */
export function redactKeys(text: string): string {
  const putty = text.search(PUTTY);
  return redactPem(putty < 0 ? text : text.slice(0, putty) + REDACTED);
}

function redactPem(text: string): string {
  let result = '';
  let rest = 0;
  for (const { index } of text.matchAll(BEGIN)) {
    if (index < rest) continue;
    result += text.slice(rest, index) + REDACTED;
    rest = endOf(text, index);
  }
  return result + text.slice(rest);
}

function endOf(text: string, begin: number): number {
  const end = text.indexOf(END, begin);
  if (end < 0) return text.length;
  const close = text.indexOf('-----', end + END.length);
  return close < 0 ? text.length : close + 5;
}
