import { AuditError } from '../../errors.ts';

/**
 * Bounds of a GraphQL document, whatever its price. All that GraphiQL sends and every query that a person writes by
 * hand is far below them. Counts are of the document with its fragments spread.
 */
export const DOCUMENT_BOUNDS = {
  /** UTF-16 code units. Larger events belong into variables. */
  characters: 262_144,
  /** The place of each error is found by counting them. */
  lines: 5_000,
  /** Lexical tokens, without comments. */
  tokens: 10_000,
  /** Brackets within brackets of any kind. */
  nesting: 64,
  /** Fields within fields. */
  depth: 20,
  /** Fields and fragments of all operations. */
  fields: 1_000,
  /** Fields and fragments that stand side by side. */
  sideBySide: 100,
  aliases: 50,
  directives: 50,
  directivesAtOnePlace: 4,
  /** Fields and fragments of an operation itself: each field there is a query of its own. */
  rootFields: 30,
} as const;

/** Most errors of validation that say where in the document they are: graphql-js looks through the text for each. */
export const MAX_LOCATED_ERRORS = 10;

/** Throws QUERY_TOO_COMPLEX when there are more of `what` than its bound. */
export function checkBound(what: keyof typeof DOCUMENT_BOUNDS, count: number): void {
  const most = DOCUMENT_BOUNDS[what];
  if (count <= most) return;
  throw new AuditError('QUERY_TOO_COMPLEX', `the document has more than ${most} ${NAMES[what]}`);
}

const NAMES: Record<keyof typeof DOCUMENT_BOUNDS, string> = {
  characters: 'characters: send long values as variables',
  lines: 'lines',
  tokens: 'tokens: send long values as variables',
  nesting: 'levels of brackets',
  depth: 'levels of fields',
  fields: 'fields',
  sideBySide: 'fields side by side',
  aliases: 'aliases',
  directives: 'directives',
  directivesAtOnePlace: 'directives at one place',
  rootFields: 'fields of the operation itself',
};
