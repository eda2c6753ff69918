/** What stands in the place of a redacted value. */
export const REDACTED = '[REDACTED]';

/** An escape in JSON (`\n`) or in a URL (`%3D`), as a regular expression: its last character is none of a word. */
export const ESCAPE = '\\\\[nrtfb]|\\\\u00[0-9a-f]{2}|%[0-9A-Fa-f]{2}';
/** Where a word may start, as a regular expression: not within one, but for an escape. */
export const START = `(?:(?<![A-Za-z0-9])|(?<=${ESCAPE}))`;
