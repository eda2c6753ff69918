import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';
import { AuditError, badInput } from '../errors.ts';

/**
 * The limits of a GraphQL document, independent of its cost. GraphiQL's own queries and queries written by hand stay far
 * below them. Counts are those of the document with its fragments spread.
 */
export const DOCUMENT_BOUNDS = {
  /** UTF-16 code units. Large events are sent as variables. */
  characters: 262_144,
  /** graphql-js counts the lines before each error. */
  lines: 5_000,
  /** Lexical tokens, without comments. */
  tokens: 10_000,
  /** Brackets within brackets of any kind. */
  nesting: 64,
  /** Fields within fields. */
  depth: 20,
  /** Fields and fragments of all operations. */
  fields: 1_000,
  /** Fields and fragments in one selection. */
  sideBySide: 100,
  aliases: 50,
  directives: 50,
  directivesAtOnePlace: 4,
  /** Fields and fragments at the root of an operation: each field there is a separate query. */
  rootFields: 30,
} as const;

/** Most validation errors with a location: graphql-js scans the text for each. */
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

const OPENING = new Set<string>([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING = new Set<string>([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Counts the tokens of a document without recursion, before the parser and the walks over its tree recurse as deep as the
 * brackets are nested. Throws QUERY_TOO_COMPLEX beyond a limit, and the lexer's syntax error.
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

// Before the lexer, whose errors have a location. CR LF ends one line.
function countLines(text: string): number {
  let lines = 1;
  for (let at = 0, before = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === CARRIAGE_RETURN || (code === LINE_FEED && before !== CARRIAGE_RETURN)) lines += 1;
    before = code;
  }
  return lines;
}

/** The size of a selection with its fragments spread. */
interface Shape {
  /** Fields and fragments of the selection itself. */
  width: number;
  /** All fields and fragments. */
  fields: number;
  aliases: number;
  /** Fields within fields. */
  depth: number;
}

const EMPTY: Shape = { width: 0, fields: 0, aliases: 0, depth: 0 };
// A fragment counts as a field, since validation compares the fragments of a selection with one another.
const FRAGMENT: Shape = { ...EMPTY, width: 1, fields: 1 };

/**
 * Refuses a document that is too large with its fragments spread. Counts each fragment once, so the time is linear in the
 * text, also when the count doubles from one fragment to the next. Runs before validation, since some of its rules compare
 * all pairs of fields. Throws QUERY_TOO_COMPLEX, and BAD_USER_INPUT for fragments that spread each other in a cycle.
 *
 * Not by graphql-armor (2.6). Its rules run within validation, so "22 fragments that double" in hostile/documents.test.ts
 * takes 19 s. It has no limits for the nesting of values, the width and the number of fields: of the 31 documents of that
 * test, it accepts 16, or answers INTERNAL ("fields within fields, 200,000 deep").
 */
export function checkShape(document: DocumentNode): void {
  const fragments = new Fragments(document);
  let all = EMPTY;
  for (const definition of document.definitions) {
    if ('directives' in definition) checkDirectives(definition.directives);
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.shapeOf(definition.name.value);
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const shape = shapeOf(definition.selectionSet, fragments);
    checkBound('rootFields', shape.width);
    all = checked(sum(all, { ...shape, width: 0 }));
  }
}

class Fragments {
  readonly #definitions = new Map<string, FragmentDefinitionNode>();
  readonly #shapes = new Map<string, Shape | 'being counted'>();

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#definitions.set(definition.name.value, definition);
    }
  }

  shapeOf(name: string): Shape {
    const known = this.#shapes.get(name);
    if (known === 'being counted') throw badInput('query', `the fragment "${name}" is spread within itself`);
    if (known) return known;
    const definition = this.#definitions.get(name);
    // Validation reports unknown fragments.
    if (!definition) return EMPTY;
    this.#shapes.set(name, 'being counted');
    const shape = shapeOf(definition.selectionSet, this);
    this.#shapes.set(name, shape);
    return shape;
  }
}

function shapeOf({ selections }: SelectionSetNode, fragments: Fragments): Shape {
  let shape = EMPTY;
  for (const selection of selections) {
    checkDirectives(selection.directives);
    shape = checked(sum(shape, shapeOfSelection(selection, fragments)));
  }
  return shape;
}

function shapeOfSelection(selection: SelectionNode, fragments: Fragments): Shape {
  if (selection.kind === Kind.FRAGMENT_SPREAD) return sum(FRAGMENT, fragments.shapeOf(selection.name.value));
  if (selection.kind === Kind.INLINE_FRAGMENT)
    return sum(FRAGMENT, shapeOf(selection.selectionSet, fragments));
  const inner = selection.selectionSet ? shapeOf(selection.selectionSet, fragments) : EMPTY;
  return {
    width: 1,
    fields: inner.fields + 1,
    aliases: inner.aliases + (selection.alias ? 1 : 0),
    depth: inner.depth + 1,
  };
}

function sum(one: Shape, other: Shape): Shape {
  return {
    width: one.width + other.width,
    fields: one.fields + other.fields,
    aliases: one.aliases + other.aliases,
    depth: Math.max(one.depth, other.depth),
  };
}

function checked(shape: Shape): Shape {
  checkBound('sideBySide', shape.width);
  checkBound('fields', shape.fields);
  checkBound('aliases', shape.aliases);
  checkBound('depth', shape.depth);
  return shape;
}

function checkDirectives(directives: readonly DirectiveNode[] | undefined): void {
  checkBound('directivesAtOnePlace', directives?.length ?? 0);
}

/**
 * Refuses a subscription without a root field, or whose root field depends on a variable. A subscription has exactly one
 * (GraphQL, 5.2.4.1), and graphql-js 16 throws an internal error when `@skip` or `@include` leave none. Validation refuses
 * further fields. To be called after `checkShape`, which refuses cycles of fragments. Throws BAD_USER_INPUT.
 */
export function checkSubscriptionRoot({ definitions }: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    if (definition.operation !== OperationTypeNode.SUBSCRIPTION) continue;
    if (!hasField(definition.selectionSet, fragments))
      throw badInput('query', 'the field of a subscription must not be left out by @skip or @include');
  }
}

// Removes each fragment from the map when it is spread first, as graphql-js does when it collects fields.
function hasField({ selections }: SelectionSetNode, fragments: Map<string, FragmentDefinitionNode>): boolean {
  let isFound = false;
  for (const selection of selections) {
    if (!isIncluded(selection.directives)) continue;
    if (selection.kind === Kind.FIELD) isFound = true;
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      isFound = hasField(selection.selectionSet, fragments) || isFound;
    else {
      const fragment = fragments.get(selection.name.value);
      fragments.delete(selection.name.value);
      // Validation reports unknown fragments.
      isFound = !fragment || hasField(fragment.selectionSet, fragments) || isFound;
    }
  }
  return isFound;
}

function isIncluded(directives: readonly DirectiveNode[] = []): boolean {
  for (const { name, arguments: given } of directives) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const condition = given?.find((argument) => argument.name.value === 'if')?.value;
    if (condition?.kind === Kind.VARIABLE)
      throw badInput('query', `the field of a subscription must not depend on a variable in @${name.value}`);
    if (condition?.kind === Kind.BOOLEAN && condition.value === (name.value === 'skip')) return false;
  }
  return true;
}
