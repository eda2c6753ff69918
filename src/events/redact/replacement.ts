/** The text that replaces a secret. */
export const REDACTED = '[REDACTED]';

/** A regular expression of an escape in JSON (`\n`) or in a URL (`%3D`). Its last character is not part of a word. */
export const ESCAPE = '\\\\[nrtfb]|\\\\u00[0-9a-f]{2}|%[0-9A-Fa-f]{2}';
/** A regular expression of the start of a word, also after an escape. */
export const START = `(?:(?<![A-Za-z0-9])|(?<=${ESCAPE}))`;

/** A part of a text, from an offset to before another. */
export interface Span {
  start: number;
  end: number;
}

/** Replaces these parts of the text. Overlapping and adjacent parts are replaced as one. */
export function replaceSpans(text: string, spans: Span[]): string {
  if (spans.length === 0) return text;
  spans.sort((a, b) => a.start - b.start);
  let result = '';
  let rest = 0;
  let [{ start, end }] = spans as [Span];
  for (const span of spans) {
    if (span.start <= end) {
      end = Math.max(end, span.end);
      continue;
    }
    result += text.slice(rest, start) + REDACTED;
    rest = end;
    ({ start, end } = span);
  }
  return result + text.slice(rest, start) + REDACTED + text.slice(end);
}
