import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { UsePersistedOperationsOptions } from '@graphql-yoga/plugin-persisted-operations';
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { z } from 'zod';
import { badInput } from '../errors.ts';
import { checkShape, checkSubscriptionRoot, scanDocument } from './document-limits.ts';
import type { OperationParams } from './request.ts';

const file = z.record(
  z.string().regex(/^[0-9a-f]{64}$/, 'must be SHA-256 hashes in hex'),
  z.string(),
  'must be a JSON object of documents by their SHA-256 in hex',
);

/** The documents of a deployment that clients name by their hash: `documentId`, or `extensions.persistedQuery`. */
export interface PersistedDocuments {
  /** For Yoga's plugin, which has the rules over HTTP. */
  pluginOptions: UsePersistedOperationsOptions<object>;
  /** The request in the one form that the plugin knows: its hash in `extensions.persistedQuery`. */
  resolve(params: OperationParams): OperationParams;
  /** The same rules where there is no plugin. Throws BAD_USER_INPUT, NOT_FOUND, and FORBIDDEN where only these are served. */
  textOf(params: OperationParams): string;
}

/** Makes them; `isOnly`: no other document is served. */
export function createPersistedDocuments(
  texts: ReadonlyMap<string, string>,
  isOnly: boolean,
): PersistedDocuments {
  const hashes = new Map([...texts].map(([hash, text]) => [text, hash]));

  // The text of a persisted document is as good as its hash.
  function hashIn({ query, documentId, extensions }: OperationParams): string | undefined {
    const given = documentId ?? (extensions?.persistedQuery as { sha256Hash?: unknown } | null)?.sha256Hash;
    if (given == null) return query === undefined ? undefined : hashes.get(query);
    if (typeof given !== 'string') throw badInput('documentId', 'must be a string');
    return given.replace(/^sha256:/, '').toLowerCase();
  }

  const documents: PersistedDocuments = {
    pluginOptions: {
      getPersistedOperation: (hash) => texts.get(hash) ?? null,
      extractPersistedOperationId: (params) =>
        (params.extensions?.persistedQuery as { sha256Hash: string } | undefined)?.sha256Hash ?? null,
      allowArbitraryOperations: !isOnly,
      customErrors: {
        notFound: () => notFound() as never,
        keyNotFound: () => noQuery() as never,
        persistedQueryOnly: () => notPersisted() as never,
      },
    },
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
      const hash = (extensions?.persistedQuery as { sha256Hash: string } | undefined)?.sha256Hash;
      if (hash === undefined) throw noQuery();
      const text = texts.get(hash);
      if (text === undefined) throw notFound();
      return text;
    },
  };
  return documents;
}

// By this message Apollo Client and urql know that they have to send the text as well.
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
 * Reads documents from a JSON file of their SHA-256 hashes (in hex) and texts. Throws an error that names the first
 * one that is not what its hash says, or that the service would refuse.
 */
export async function loadPersistedDocuments(
  path: string,
  schema: GraphQLSchema,
): Promise<Map<string, string>> {
  let what = 'the file';
  try {
    const texts = new Map(Object.entries(file.parse(JSON.parse(await readFile(path, 'utf8')))));
    for (const [hash, text] of texts) {
      what = `the document ${hash}`;
      checkDocument(hash, text, schema);
    }
    return texts;
  } catch (error) {
    throw new Error(`PERSISTED_DOCUMENTS: ${path}: ${what}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) return error.issues.map(({ message }) => message).join('; ');
  return (error as Error).message;
}

function checkDocument(hash: string, text: string, schema: GraphQLSchema): void {
  const actual = createHash('sha256').update(text).digest('hex');
  if (actual !== hash) throw new Error(`its hash is ${actual}`);
  scanDocument(text);
  const document = parse(text);
  checkShape(document);
  checkSubscriptionRoot(document);
  const [problem] = validate(schema, document);
  if (problem) throw problem;
}
