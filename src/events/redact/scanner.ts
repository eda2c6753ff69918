import { bitOf, bitsAt, WORD_BIT } from './alphabets.ts';
import { endOfForm, type Form, type Part, parseForm } from './forms.ts';
import { PROVIDERS } from './providers/all.ts';
import type { Span } from './spans.ts';

/** A form, and how far before the place that gives it away it begins. */
interface Candidate {
  form: Form;
  back: number;
}

const NONE: readonly Form[] = [];
/** The forms that begin with a pair of ASCII characters at the start of a word: the code of the first times 128, and the second. */
const BY_START: (readonly Form[])[] = Array.from({ length: 128 * 128 }, () => NONE);
/** The forms whose first word has no fixed beginning, by the length of that word. */
const BY_WORD_LENGTH: (readonly Form[] | undefined)[] = [];
/** The other forms, by a character in them that no word has. */
const BY_SIGN: (readonly Candidate[] | undefined)[] = [];

const WORD_ALPHABETS = new Set(['digit', 'hex', 'xdigit', 'lower', 'upper', 'base32', 'alnum'].map(bitOf));
const IS_WORD = new Uint8Array(128);
const ALL = PROVIDERS.flatMap(({ forms, weak = [] }) => [
  ...forms.flatMap((notation) => parseForm(notation, false)),
  ...weak.flatMap((notation) => parseForm(notation, true)),
]);
for (let code = 0; code < 128; code += 1) {
  if ((bitsAt(String.fromCharCode(code), 0) & WORD_BIT) !== 0) IS_WORD[code] = 1;
}
for (const form of ALL) enter(form);

function enter(form: Form): void {
  const [first, second] = form.parts as [Part, Part | undefined];
  if (first.literal === undefined) {
    const { least, most } = firstWordOf(form.parts);
    if (most > 0) return enterByLength(form, least, most);
    return enterBySign(form);
  }
  if ((bitsAt(first.literal, 0) & WORD_BIT) === 0) return enterBySign(form);
  const start = first.literal.charCodeAt(0) * 128;
  for (let code = 0; code < 128; code += 1) {
    const isSecond =
      first.literal.length > 1
        ? first.literal.charCodeAt(1) === code
        : second?.literal === undefined && (bitsAt(String.fromCharCode(code), 0) & (second?.bit ?? 0)) !== 0;
    if (isSecond) BY_START[start + code] = [...(BY_START[start + code] as readonly Form[]), form];
  }
}

function enterByLength(form: Form, least: number, most: number): void {
  for (let length = least; length <= most; length += 1) {
    BY_WORD_LENGTH[length] = [...(BY_WORD_LENGTH[length] ?? []), form];
  }
}

function enterBySign(form: Form): void {
  let back = 0;
  for (const part of form.parts) {
    if (part.literal === undefined) {
      if (part.min !== part.max) break;
      back += part.min;
      continue;
    }
    for (let at = 0; at < part.literal.length; at += 1) {
      const code = part.literal.charCodeAt(at);
      if (IS_WORD[code] !== 1) {
        BY_SIGN[code] = [...(BY_SIGN[code] ?? []), { form, back: back + at }];
        return;
      }
    }
    back += part.literal.length;
  }
  throw new Error(`nothing gives ${JSON.stringify(form)} away`);
}

/** How long the first word of a form is: 0 when a part that may have other characters comes first. */
function firstWordOf(parts: readonly Part[]): { least: number; most: number } {
  let least = 0;
  let most = 0;
  for (const part of parts) {
    if (part.literal !== undefined) {
      const sign = [...part.literal].findIndex((character) => (bitsAt(character, 0) & WORD_BIT) === 0);
      least += sign < 0 ? part.literal.length : sign;
      most += sign < 0 ? part.literal.length : sign;
      if (sign >= 0) break;
    } else if (WORD_ALPHABETS.has(part.bit)) {
      least += part.min;
      most += part.max;
    } else return part === parts[0] ? { least: 0, most: 0 } : { least, most };
  }
  return { least, most };
}

/**
 * Adds the places of the tokens in a text. One pass: each word is looked up by its first two characters and by its
 * length, each sign by itself, and a form that may be there is read forward once, over a bounded part or up to the end of
 * the token that is found.
 */
export function findForms(text: string, found: Span[]): void {
  const { length } = text;
  let rest = 0;
  let wordStart = -1;
  for (let at = 0; at <= length; at += 1) {
    const code = at < length ? text.charCodeAt(at) : 0;
    if (code < 128 && IS_WORD[code] === 1) {
      if (wordStart >= 0) continue;
      wordStart = at;
      const second = text.charCodeAt(at + 1);
      if (!(second < 128)) continue;
      const forms = BY_START[code * 128 + second] as readonly Form[];
      if (forms.length === 0) continue;
      const end = longest(forms, text, at);
      if (end < 0) continue;
      found.push({ start: at, end });
      rest = end;
      at = end - 1;
      // What follows a token is no part of a word that has begun before it.
      wordStart = -1;
      continue;
    }
    if (wordStart >= 0) {
      const forms = BY_WORD_LENGTH[at - wordStart];
      const end = forms === undefined ? -1 : longest(forms, text, wordStart);
      const start = wordStart;
      wordStart = -1;
      if (end >= 0) {
        found.push({ start, end });
        rest = end;
        at = Math.max(at, end) - 1;
        continue;
      }
    }
    const candidates = code < 128 ? BY_SIGN[code] : undefined;
    if (candidates === undefined) continue;
    for (const { form, back } of candidates) {
      const start = at - back;
      if (start < rest || (start > 0 && (bitsAt(text, start - 1) & WORD_BIT) !== 0)) continue;
      const end = endOfForm(form, text, start);
      if (end < 0) continue;
      found.push({ start, end });
      rest = end;
      at = end - 1;
      break;
    }
  }
}

function longest(forms: readonly Form[], text: string, at: number): number {
  let end = -1;
  for (const form of forms) end = Math.max(end, endOfForm(form, text, at));
  return end;
}
