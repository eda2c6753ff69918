import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { UsePersistedOperationsOptions } from '@graphql-yoga/plugin-persisted-operations';
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { badInput, MAX_PROBLEMS } from '../errors.ts';
import { checkShape, checkSubscriptionRoot, scanDocument } from './document-limits.ts';
import type { OperationParams } from './request.ts';

/** The documents that clients name by their hash, as `documentId` or `extensions.persistedQuery`. */
export interface PersistedDocuments {
  /** The options of Yoga's plugin, which applies the rules over HTTP. */
  pluginOptions: UsePersistedOperationsOptions<object>;
  /** Converts a request to the form that the plugin knows: with the hash in `extensions.persistedQuery`. */
  resolve(params: OperationParams): OperationParams;
  /** Applies the rules over WebSocket. Throws BAD_USER_INPUT, NOT_FOUND, and FORBIDDEN when only these documents are served. */
  textOf(params: OperationParams): string;
}

/** `isOnly`: no other documents are served. */
export function createPersistedDocuments(
  texts: ReadonlyMap<string, string>,
  isOnly: boolean,
): PersistedDocuments {
  const hashes = new Map([...texts].map(([hash, text]) => [text, hash]));

  // A request may also send the text of a persisted document.
  function hashIn({ query, documentId, extensions }: OperationParams): string | undefined {
    const given = documentId ?? (extensions?.persistedQuery as { sha256Hash?: unknown } | null)?.sha256Hash;
    if (given == null) return query === undefined ? undefined : hashes.get(query);
    if (typeof given !== 'string') throw badInput('documentId', 'must be a string');
    return given.replace(/^sha256:/, '').toLowerCase();
  }

  const documents: PersistedDocuments = {
    pluginOptions: pluginOptions(texts, isOnly),
    resolve(params) {
      const { query, operationName, variables, extensions } = params;
      const hash = hashIn(params);
      const isKnown = hash !== undefined && texts.has(hash);
      if (query !== undefined && query !== '' && !isKnown) {
        if (hash !== undefined && isOnly) throw notFound();
        return { query, operationName, variables, extensions };
      }
      return {
        operationName,
        variables,
        extensions: hash === undefined ? {} : { persistedQuery: { version: 1, sha256Hash: hash } },
      };
    },
    textOf(params) {
      const { query, extensions } = documents.resolve(params);
      if (query !== undefined) {
        if (isOnly) throw notPersisted();
        return query;
      }
      const hash = resolvedHash(extensions);
      if (hash === undefined) throw noQuery();
      const text = texts.get(hash);
      if (text === undefined) throw notFound();
      return text;
    },
  };
  return documents;
}

/** The hash in a request that `resolve` has converted. */
function resolvedHash(extensions: OperationParams['extensions']): string | undefined {
  return (extensions?.persistedQuery as { sha256Hash: string } | undefined)?.sha256Hash;
}

function pluginOptions(
  texts: ReadonlyMap<string, string>,
  isOnly: boolean,
): UsePersistedOperationsOptions<object> {
  return {
    getPersistedOperation: (hash) => texts.get(hash) ?? null,
    extractPersistedOperationId: ({ extensions }) => resolvedHash(extensions) ?? null,
    allowArbitraryOperations: !isOnly,
    customErrors: {
      notFound: () => notFound() as never,
      keyNotFound: () => noQuery() as never,
      persistedQueryOnly: () => notPersisted() as never,
    },
  };
}

// Apollo Client and urql send the text as well when they get this message.
function notFound(): GraphQLError {
  return new GraphQLError('PersistedQueryNotFound', {
    extensions: { code: 'NOT_FOUND', path: 'documentId' },
  });
}

function noQuery(): GraphQLError {
  return new GraphQLError('query: must be a string', {
    extensions: { code: 'BAD_USER_INPUT', path: 'query', http: { status: 400, spec: true } },
  });
}

function notPersisted(): GraphQLError {
  return new GraphQLError('this service takes its persisted documents only (PERSISTED_ONLY)', {
    extensions: { code: 'FORBIDDEN', http: { status: 403 } },
  });
}

/**
 * Reads documents from a JSON file of their SHA-256 hashes (in hex) and texts. Throws an error that names every problem of
 * the file, each in a line of its own with its place.
 */
export async function loadPersistedDocuments(
  path: string,
  schema: GraphQLSchema,
): Promise<Map<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new Error(`PERSISTED_DOCUMENTS: the file cannot be read: ${error.message}`);
  });
  const { entries, problems } = readEntries(text);
  for (const entry of entries)
    for (const message of problemsOfDocument(entry, schema)) problems.push({ offset: entry.offset, message });
  if (problems.length > 0) throw new Error(problemList(path, text, problems));
  return new Map(entries.map(({ hash, document }) => [hash, document]));
}

/** A document of the file, and the offset of its hash in the text. */
interface Entry {
  hash: string;
  document: string;
  offset: number;
}

interface FileProblem {
  offset: number;
  message: string;
}

const SPACE = /[ \t\r\n]*/y;
/** A JSON string (RFC 8259, 7). */
const STRING = /"(?:[ !#-[\]-\u{10ffff}]+|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy;
const HASH = /^[0-9a-f]{64}$/;

// Not by JSON.parse, which keeps no positions: the file is one object of strings. Reading ends at the first syntax error.
function readEntries(text: string): { entries: Entry[]; problems: FileProblem[] } {
  const tokens = new TokenReader(text);
  const entries: Entry[] = [];
  const problems: FileProblem[] = [];
  try {
    tokens.expect(/\{/y, 'a JSON object of documents by their SHA-256');
    for (let isFirst = true; tokens.take(/\}/y) === undefined; isFirst = false) {
      if (!isFirst) tokens.expect(/,/y, '"," or "}"');
      const hash = tokens.expect(STRING, 'the SHA-256 of a document in hex, in quotes');
      const offset = tokens.offset - hash.length;
      tokens.expect(/:/y, '":"');
      const document = tokens.expect(STRING, 'the text of a document as a JSON string');
      entries.push({ hash: JSON.parse(hash), document: JSON.parse(document), offset });
    }
    tokens.expect(/$/y, 'the end of the file');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    problems.push({ offset: tokens.offset, message: error.message });
  }
  return { entries, problems };
}

/** Reads the tokens of a JSON text, without the white space before them. */
class TokenReader {
  readonly #text: string;
  #offset: number;

  constructor(text: string) {
    this.#text = text;
    this.#offset = text.startsWith('\uFEFF') ? 1 : 0;
  }

  /** The offset after the last token. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes the next token if it matches, by a sticky expression. */
  take(token: RegExp): string | undefined {
    SPACE.lastIndex = this.#offset;
    SPACE.test(this.#text);
    this.#offset = SPACE.lastIndex;
    token.lastIndex = this.#offset;
    const [found] = token.exec(this.#text) ?? [];
    this.#offset += found?.length ?? 0;
    return found;
  }

  /** Takes the next token. Throws a SyntaxError that says what was expected. */
  expect(token: RegExp, what: string): string {
    const found = this.take(token);
    if (found === undefined) throw new SyntaxError(`expected ${what}`);
    return found;
  }
}

function problemsOfDocument({ hash, document: text }: Entry, schema: GraphQLSchema): string[] {
  if (!HASH.test(hash)) return [`"${hash}" must be the SHA-256 of its document: 64 digits of lower-case hex`];
  const actual = createHash('sha256').update(text).digest('hex');
  if (actual !== hash) return [`the document with the hash ${hash} was changed: its hash is ${actual}`];
  try {
    scanDocument(text);
    const document = parse(text);
    checkShape(document);
    checkSubscriptionRoot(document);
    return validate(schema, document).map(problemInDocument);
  } catch (error) {
    return [error instanceof GraphQLError ? problemInDocument(error) : (error as Error).message];
  }
}

function problemInDocument({ message, locations }: GraphQLError): string {
  const [place] = locations ?? [];
  return place ? `line ${place.line}, column ${place.column} of the document: ${message}` : message;
}

function problemList(path: string, text: string, problems: readonly FileProblem[]): string {
  const lines = problems
    .toSorted((one, other) => one.offset - other.offset)
    .slice(0, MAX_PROBLEMS)
    .map(({ offset, message }) => `  ${path}:${lineAndColumn(text, offset)}: ${message}`);
  if (problems.length > MAX_PROBLEMS) lines.push(`  and ${problems.length - MAX_PROBLEMS} more`);
  return `PERSISTED_DOCUMENTS: the file has problems:\n${lines.join('\n')}`;
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}
