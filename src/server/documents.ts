import type { Plugin } from '@envelop/core';
import {
  type DocumentNode,
  GraphQLError,
  getOperationAST,
  parse,
  type Source,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { Work } from '../access/rate/work.ts';
import { toClientError } from '../graphql/errors.ts';
import { MAX_ERRORS } from '../graphql/limits/bounds.ts';
import { DocumentCache } from '../graphql/limits/document-cache.ts';
import { noIntrospection } from '../graphql/limits/introspection.ts';
import { scanDocument } from '../graphql/limits/scan.ts';
import { checkShape } from '../graphql/limits/shape.ts';
import { checkSubscriptionRoot } from '../graphql/limits/subscription-root.ts';

const KEPT = { characters: 500_000, each: 10_000 };

/** Caches of parsed documents and of syntax errors for Yoga, bounded by the length of the texts and not by their number. */
export function createDocumentCaches() {
  return {
    documentCache: new DocumentCache<DocumentNode>(KEPT),
    errorCache: new ErrorCache(KEPT),
  };
}

class ErrorCache extends DocumentCache<unknown> {
  override set(text: string, error: unknown): void {
    super.set(text, withoutFrames(error as Error));
  }
}

// V8 keeps the frames of an error until its stack is read, and with them all that they can see: the request with its
// variables. An error that is kept with a document must not have them.
function withoutFrames<Kept extends Error>(error: Kept): Kept {
  error.stack = String(error);
  const { originalError } = error as { originalError?: Error };
  for (const inner of [originalError, error.cause]) {
    if (inner instanceof Error) inner.stack = String(inner);
  }
  return error;
}

/**
 * Bounds what a document may look like: its text before it is parsed, its shape with all fragments spread before it is
 * validated. Throws QUERY_TOO_COMPLEX. Where the schema is not shown, documents may not ask for it, and errors suggest
 * none of its names.
 */
export function useDocumentLimits({ hasIntrospection }: { hasIntrospection: boolean }): Plugin {
  const options = { maxErrors: MAX_ERRORS, hideSuggestions: !hasIntrospection };
  const rules: readonly ValidationRule[] = hasIntrospection
    ? specifiedRules
    : [...specifiedRules, noIntrospection];
  return {
    onParse({ setParseFn, context }) {
      // Called only for documents that are not cached.
      const { work = new Work() } = context as { work?: Work };
      setParseFn((source) => work.measure(() => parseWithinBounds(source)));
      return ({ result }) => {
        const { params } = context as { params?: { operationName?: string } };
        if (params && !(result instanceof Error)) requireOperation(result, params.operationName);
      };
    },
    onValidate({ setValidationFn, context }) {
      const { work = new Work() } = context as { work?: Work };
      setValidationFn((schema, document) =>
        work.measure(() =>
          // Over HTTP Yoga answers with them as they are, since errors of validation come from no resolver.
          validate(schema, document, rules, options).map((error) =>
            withoutFrames(toClientError(withoutFrames(error)) as GraphQLError),
          ),
        ),
      );
    },
  };
}

function parseWithinBounds(source: string | Source): DocumentNode {
  scanDocument(typeof source === 'string' ? source : source.body);
  const document = parse(source);
  checkShape(document);
  checkSubscriptionRoot(document);
  return document;
}

/** Throws BAD_USER_INPUT when it is not clear which operation of a document is meant. */
export function requireOperation(document: DocumentNode, operationName: string | undefined | null): void {
  if (getOperationAST(document, operationName)) return;
  throw new GraphQLError('operationName: must be the name of one of the operations, if there are several', {
    extensions: { code: 'BAD_USER_INPUT', path: 'operationName', http: { status: 400 } },
  });
}
