import { Lexer, Source, TokenKind } from 'graphql';
import { checkBound } from './bounds.ts';

const OPENING = new Set<string>([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING = new Set<string>([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Reads the tokens of a document, without descending into it: the parser, and whatever walks its tree, recurse as deep
 * as its brackets are nested. Returns how many there are. Throws QUERY_TOO_COMPLEX past a bound, and the lexer's syntax
 * error.
 */
export function scanDocument(text: string): number {
  checkBound('characters', text.length);
  checkBound('lines', countLines(text));
  const lexer = new Lexer(new Source(text));
  let tokens = 0;
  let directives = 0;
  let nesting = 0;
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    checkBound('tokens', ++tokens);
    if (kind === TokenKind.AT) checkBound('directives', ++directives);
    else if (OPENING.has(kind)) checkBound('nesting', ++nesting);
    else if (CLOSING.has(kind)) nesting -= 1;
  }
  return tokens;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

// Before the lexer, whose errors have a place too. A pair of both ends one line.
function countLines(text: string): number {
  let lines = 1;
  for (let at = 0, before = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === CARRIAGE_RETURN || (code === LINE_FEED && before !== CARRIAGE_RETURN)) lines += 1;
    before = code;
  }
  return lines;
}
