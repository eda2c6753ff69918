import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  OperationTypeNode,
  parse,
  SchemaMetaFieldDef,
  specifiedRules,
  TypeMetaFieldDef,
  type ValidationRule,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { AuditError, MAX_PROBLEMS } from '../errors.ts';
import { runInExclusiveTurn, runWhenTurnHasTime } from '../event-loop.ts';
import type { Context } from '../schema/context.ts';
import { forgetLocations, rememberDocument, toClientError } from './client-errors.ts';
import { checkShape, checkSubscriptionRoot, MAX_LOCATED_ERRORS, scanDocument } from './document-limits.ts';
import type { HttpContext } from './request.ts';

const CACHED = { characters: 500_000, each: 10_000 };
/** A document of more characters is checked in turns of the event loop that do no other work. */
const LARGE_DOCUMENT = 4_096;
/** How many validation rules are run on a large document in one turn. */
const RULES_AT_ONCE = 7;
/** Longest time that a large document waits for others of its key. */
const LONGEST_WAIT_MS = 5_000;
/** A longer document, or one of more lines, has no locations in the errors of its execution. */
const LOCATED = { characters: LARGE_DOCUMENT, lines: 128 };

/** Most memory that the tree of a document takes for each token. Locations keep the tokens, too. */
const BYTES_PER_TOKEN = { located: 512, others: 256 };

/** The result of checking a document: its tree and validation errors, or the error of its text. */
export type CheckedDocument =
  | {
      document: DocumentNode;
      errors: readonly GraphQLError[];
      /** Most memory that text and tree take. */
      bytes: number;
    }
  | { refusal: unknown };
/** The principal, and the work done for the operation so far. */
type CheckContext = Pick<Context, 'services' | 'principal' | 'work'>;

/**
 * Parses and validates documents, with a cache. Checks the limits of the text before it is parsed, and of its shape with all
 * fragments spread before it is validated. When the schema is not shown, refuses introspection and hides suggestions of
 * names.
 *
 * Replaces Yoga's cache, which is bounded by the number of documents and not by their length.
 */
export class DocumentChecks {
  readonly #known = new DocumentCache<CheckedDocument>(CACHED);
  readonly #schema: GraphQLSchema;
  readonly #rules: readonly ValidationRule[];
  readonly #hideSuggestions: boolean;
  /** The last large document of each key that is being checked. */
  readonly #lastLarge = new Map<string, Promise<void>>();

  constructor({ schema, hasIntrospection }: { schema: GraphQLSchema; hasIntrospection: boolean }) {
    this.#schema = schema;
    this.#rules = hasIntrospection ? specifiedRules : [...specifiedRules, noIntrospection];
    this.#hideSuggestions = !hasIntrospection;
  }

  /** The cached result of a document. */
  known(text: string): CheckedDocument | undefined {
    return this.#known.get(text);
  }

  /**
   * Checks a document in turns of the event loop, and caches the result. A large document takes several turns that do no
   * other work. The large documents of a key are checked one after the other, so that the cost of each is taken before the
   * next; different keys alternate. Throws RATE_LIMITED, and OVERLOADED when a large document has waited for five seconds.
   */
  check(text: string, charged: CheckContext): Promise<CheckedDocument> {
    if (text.length <= LARGE_DOCUMENT)
      return this.#check(text, charged, { inTurn: runWhenTurnHasTime, rulesAtOnce: this.#rules.length });
    const { keyId } = charged.principal;
    const since = performance.now();
    const checked = (this.#lastLarge.get(keyId) ?? Promise.resolve()).then(() => {
      if (performance.now() - since > LONGEST_WAIT_MS)
        throw new AuditError('OVERLOADED', 'too many large documents of this key at once: retry later');
      return this.#check(text, charged, { inTurn: runInExclusiveTurn, rulesAtOnce: RULES_AT_ONCE });
    });
    const settled = checked
      .catch(() => undefined)
      .then(() => {
        if (this.#lastLarge.get(keyId) === settled) this.#lastLarge.delete(keyId);
      });
    this.#lastLarge.set(keyId, settled);
    return checked;
  }

  async #check(
    text: string,
    { services, principal, work }: CheckContext,
    { inTurn, rulesAtOnce }: { inTurn: typeof runWhenTurnHasTime; rulesAtOnce: number },
  ): Promise<CheckedDocument> {
    const measured = <Result>(piece: () => Result) => inTurn(() => work.measure(piece));
    // Other requests of the key may have spent its points while this one waited.
    await inTurn(() => services.rates.check(principal.keyId));
    const checked = await this.#steps(text, measured, rulesAtOnce);
    this.#known.set(text, checked);
    return checked;
  }

  async #steps(
    text: string,
    measured: typeof runWhenTurnHasTime,
    rulesAtOnce: number,
  ): Promise<CheckedDocument> {
    try {
      const tokens = await measured(() => scanDocument(text));
      const document = await measured(() => parseWithinBounds(text));
      const errors = await this.#validate(document, { measured, rulesAtOnce });
      const bytesPerToken = isLocated(document) ? BYTES_PER_TOKEN.located : BYTES_PER_TOKEN.others;
      // A valid document will be executed, and its errors do not need the paths of all nodes.
      if (errors.length === 0 && !isLocated(document)) forgetLocations(document);
      return { document, errors, bytes: 2 * text.length + bytesPerToken * tokens };
    } catch (refusal) {
      return { refusal: withoutFrames(refusal as Error) };
    }
  }

  async #validate(document: DocumentNode, pace: Pace): Promise<readonly GraphQLError[]> {
    const located = await this.#errorsOf(document, MAX_LOCATED_ERRORS, pace);
    // A refused batch of events gets all of its problems, without locations beyond the first ten.
    if (located.length <= MAX_LOCATED_ERRORS || !hasMutation(document)) return located;
    await pace.measured(() => forgetLocations(document, { keepsPaths: true }));
    const all = await this.#errorsOf(document, MAX_PROBLEMS, pace);
    return [...located.slice(0, MAX_LOCATED_ERRORS), ...all.slice(MAX_LOCATED_ERRORS, MAX_PROBLEMS)];
  }

  // Returns `most + 1` errors when there are more than `most`.
  async #errorsOf(
    document: DocumentNode,
    most: number,
    { measured, rulesAtOnce }: Pace,
  ): Promise<readonly GraphQLError[]> {
    const errors: GraphQLError[] = [];
    for (let at = 0; at < this.#rules.length && errors.length <= most; at += rulesAtOnce) {
      const rules = this.#rules.slice(at, at + rulesAtOnce);
      const options = { maxErrors: most - errors.length, hideSuggestions: this.#hideSuggestions };
      // Converted here: Yoga does not mask errors of validation.
      const found = await measured(() =>
        validate(this.#schema, document, rules, options).map((error) =>
          withoutFrames(toClientError(withoutFrames(error)) as GraphQLError),
        ),
      );
      errors.push(...found);
    }
    return errors;
  }
}

/** How the check of a document is divided into turns of the event loop. */
interface Pace {
  measured: typeof runWhenTurnHasTime;
  rulesAtOnce: number;
}

function hasMutation({ definitions }: DocumentNode): boolean {
  return definitions.some(
    (one) => one.kind === Kind.OPERATION_DEFINITION && one.operation === OperationTypeNode.MUTATION,
  );
}

// Until the stack of an error is read, V8 keeps its frames, and with them the request and its variables. An error in the cache
// must not keep them.
function withoutFrames<Kept extends Error>(error: Kept): Kept {
  const { originalError } = error as { originalError?: Error };
  for (const one of [error, originalError, error.cause]) {
    // Not `String(error)`, which in graphql-js prints the text around each location.
    if (one instanceof Error) one.stack = `${one.name}: ${one.message}`;
  }
  return error;
}

function parseWithinBounds(text: string): DocumentNode {
  const document = parse(text);
  rememberDocument(document);
  checkShape(document);
  checkSubscriptionRoot(document);
  return document;
}

function isLocated({ loc }: DocumentNode): boolean {
  return loc !== undefined && loc.end <= LOCATED.characters && loc.endToken.line <= LOCATED.lines;
}

/** Checks documents over HTTP, and uses the results on every transport. Throws QUERY_TOO_COMPLEX, RATE_LIMITED. */
export function useDocuments(checks: DocumentChecks): Plugin<object, HttpContext & Context> {
  return {
    // Runs after the plugin of persisted documents, which sets the text.
    onParams({ params: { query }, context }) {
      if (typeof query !== 'string') return undefined;
      const put = (checked: CheckedDocument) => {
        (context as DocumentState).checked = checked;
      };
      const known = checks.known(query);
      return known ? put(known) : checks.check(query, context).then(put);
    },
    onParse({ setParseFn, context }) {
      const { checked, params } = context as DocumentState;
      setParseFn(() => {
        if (!checked || 'refusal' in checked) throw checked?.refusal;
        if (params) requireOperation(checked.document, params.operationName);
        return checked.document;
      });
    },
    onValidate({ setResult, context }) {
      const { checked } = context as DocumentState;
      if (checked && 'errors' in checked) setResult(checked.errors);
    },
  };
}

/** What the context of an operation holds of its document: the parameters (over HTTP only) and the result of the check. */
interface DocumentState {
  params?: { operationName?: string };
  checked?: CheckedDocument;
}

/** Throws BAD_USER_INPUT when `operationName` does not name one operation of the document. */
export function requireOperation(document: DocumentNode, operationName: string | undefined | null): void {
  if (getOperationAST(document, operationName)) return;
  throw new GraphQLError('operationName: must be the name of one of the operations, if there are several', {
    extensions: { code: 'BAD_USER_INPUT', path: 'operationName', http: { status: 400 } },
  });
}

/**
 * A cache by the text of documents; the least recently used are removed first. Bounded by characters and not by number: the
 * tree of a document takes some fifty times the memory of its text. Documents longer than `each` are not cached.
 */
export class DocumentCache<Value> {
  readonly #kept = new Map<string, Value>();
  readonly #most: { characters: number; each: number };
  #characters = 0;

  constructor(most: { characters: number; each: number }) {
    this.#most = most;
  }

  get(text: string): Value | undefined {
    const value = this.#kept.get(text);
    if (value === undefined) return undefined;
    this.#kept.delete(text);
    this.#kept.set(text, value);
    return value;
  }

  set(text: string, value: Value): void {
    if (text.length > this.#most.each) return;
    if (!this.#kept.delete(text)) this.#characters += text.length;
    this.#kept.set(text, value);
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= this.#most.characters) return;
      this.#kept.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}

const CLOSED = new Set([SchemaMetaFieldDef.name, TypeMetaFieldDef.name]);

/** The validation rule that hides the schema. `__typename` is allowed, since clients need it. */
export const noIntrospection: ValidationRule = (context) => ({
  Field: (node) => {
    if (!CLOSED.has(node.name.value)) return;
    const message = 'this service does not show its schema (INTROSPECTION)';
    context.reportError(new GraphQLError(message, { nodes: node, extensions: { code: 'FORBIDDEN' } }));
  },
});
