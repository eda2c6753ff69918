import { ESCAPE, REDACTED, START } from './replaced.ts';
import { MARKED_SHAPES, SHAPES } from './shapes.ts';

const TOKENS = new RegExp(
  `${START}(?:${[...SHAPES, ...MARKED_SHAPES].map(([, beginning, rest]) => beginning + rest).join('|')})`,
  'g',
);

// JWS and JWE: the header is base64url of {" or of { and white space. What comes before is no part of such a run, so that
// no run is read twice.
const JWT = new RegExp(
  `(?:(?<![\\w-])|(?<=${ESCAPE}))e(?:yJ|yAi|w0K|wo[giJK])[\\w-]{10,}(?:\\.[\\w-]*){2,4}`,
  'g',
);

// A file of credentials has the secret beside the id.
const AWS_PAIR = new RegExp(
  `${START}A[KS]IA[A-Z0-9]{16}[^A-Za-z0-9/+]{1,12}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])`,
  'g',
);

/** What the texts that hold a token have in common with few others, to be looked for at the start of a word. */
export const TOKEN_MARKS: readonly string[] = [
  ...SHAPES.map(([, beginning]) => beginning),
  ...MARKED_SHAPES.map(([, , , mark]) => mark),
  'e(?:yJ|yAi|w0K|wo[giJK])',
];

/** The text with every token that is known by its form replaced. */
export function redactTokens(text: string): string {
  return text
    .replace(AWS_PAIR, REDACTED)
    .replace(JWT, REDACTED)
    .replace(TOKENS, (token) => (isOrdinary(token) ? token : REDACTED));
}

// sk- also begins the names of style sheets.
function isOrdinary(token: string): boolean {
  return token.startsWith('sk-') && !/\d/.test(token);
}
