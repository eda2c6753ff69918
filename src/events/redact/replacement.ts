/** What stands in the place of a redacted value. */
export const REDACTED = '[REDACTED]';

/** An escape in JSON (`\n`) or in a URL (`%3D`), as a regular expression: its last character is none of a word. */
export const ESCAPE = '\\\\[nrtfb]|\\\\u00[0-9a-f]{2}|%[0-9A-Fa-f]{2}';
/** Where a word may start, as a regular expression: not within one, but for an escape. */
export const START = `(?:(?<![A-Za-z0-9])|(?<=${ESCAPE}))`;

/** A part of a text, from an offset to before another. */
export interface Span {
  start: number;
  end: number;
}

/** The text with each of these parts replaced; those that overlap or touch are one. */
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
