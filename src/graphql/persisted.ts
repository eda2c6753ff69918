import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type GraphQLSchema, parse, validate } from 'graphql';
import { z } from 'zod';
import { AuditError, badInput } from '../errors.ts';
import { scanDocument } from './limits/scan.ts';
import { checkShape } from './limits/shape.ts';
import { checkSubscriptionRoot } from './limits/subscription-root.ts';

const file = z.record(z.string().regex(/^[0-9a-f]{64}$/, 'must be SHA-256 hashes in hex'), z.string());

/** What a request says of its document. */
export interface DocumentRequest {
  query?: unknown;
  /** `sha256:HASH`, as in the draft on persisted documents of GraphQL over HTTP. */
  documentId?: unknown;
  /** Or, as many clients send it, in `persistedQuery.sha256Hash`. */
  extensions?: unknown;
}

/** The documents of a deployment that clients name by their hash. */
export interface Documents {
  /** The text of a request's document. Throws BAD_USER_INPUT, NOT_FOUND, and FORBIDDEN where only these are served. */
  textOf(request: DocumentRequest): string;
}

/** Makes them; `isOnly`: no other document is served. */
export function createDocuments(texts: ReadonlyMap<string, string>, isOnly: boolean): Documents {
  const known = new Set(texts.values());
  return {
    textOf(request) {
      const hash = hashOf(request);
      if (hash !== undefined) {
        const text = texts.get(hash);
        if (text === undefined)
          throw new AuditError('NOT_FOUND', 'is the hash of no document here', 'documentId');
        return text;
      }
      const { query } = request;
      if (typeof query !== 'string') throw badInput('query', 'must be a string');
      if (isOnly && !known.has(query))
        throw new AuditError('FORBIDDEN', 'this service takes its persisted documents only (PERSISTED_ONLY)');
      return query;
    },
  };
}

function hashOf({ documentId, extensions }: DocumentRequest): string | undefined {
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: { sha256Hash?: unknown } | null };
  const given = documentId ?? persistedQuery?.sha256Hash;
  if (given == null) return undefined;
  if (typeof given !== 'string') throw badInput('documentId', 'must be a string');
  return given.replace(/^sha256:/, '').toLowerCase();
}

/**
 * Reads documents from a JSON file of their SHA-256 hashes (in hex) and texts. Throws an error that names the first
 * one that is not what its hash says, or that the service would refuse.
 */
export async function loadDocuments(path: string, schema: GraphQLSchema): Promise<Map<string, string>> {
  let what = 'the file';
  try {
    const texts = new Map(Object.entries(file.parse(JSON.parse(await readFile(path, 'utf8')))));
    for (const [hash, text] of texts) {
      what = `the document ${hash}`;
      checkDocument(hash, text, schema);
    }
    return texts;
  } catch (error) {
    throw new Error(`PERSISTED_DOCUMENTS: ${path}: ${what}: ${(error as Error).message}`);
  }
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
