import type { Plugin } from '@envelop/core';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
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
 * Parses and validates documents, once each as long as they are remembered, and bounds what a document may look like: its
 * text before it is parsed, its shape with all fragments spread before it is validated. Throws QUERY_TOO_COMPLEX. Where
 * the schema is not shown, documents may not ask for it, and errors suggest none of its names.
 *
 * In place of Yoga's cache, which is bounded by the number of documents and not by their length.
 */
export function useDocuments({ hasIntrospection }: { hasIntrospection: boolean }): Plugin {
  const options = { maxErrors: MAX_ERRORS, hideSuggestions: !hasIntrospection };
  const rules: readonly ValidationRule[] = hasIntrospection
    ? specifiedRules
    : [...specifiedRules, noIntrospection];
  const parsed = new DocumentCache<DocumentNode | Error>(KEPT);
  const validated = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  function parseOnce(text: string): DocumentNode | Error {
    const known = parsed.get(text);
    if (known !== undefined) return known;
    const result = resultOf(() => parseWithinBounds(text));
    parsed.set(text, result);
    return result;
  }

  function validateOnce(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] {
    const known = validated.get(document);
    if (known !== undefined) return known;
    // Over HTTP Yoga answers with them as they are, since errors of validation come from no resolver.
    const errors = validate(schema, document, rules, options).map((error) =>
      withoutFrames(toClientError(withoutFrames(error)) as GraphQLError),
    );
    validated.set(document, errors);
    return errors;
  }

  return {
    onParse({ setParseFn, context }) {
      const { work = new Work(), params } = context as { work?: Work; params?: { operationName?: string } };
      setParseFn((source: string | Source) => {
        const document = work.measure(() => parseOnce(typeof source === 'string' ? source : source.body));
        if (document instanceof Error) throw document;
        if (params) requireOperation(document, params.operationName);
        return document;
      });
    },
    onValidate({ setValidationFn, context }) {
      const { work = new Work() } = context as { work?: Work };
      setValidationFn((schema, document) => work.measure(() => validateOnce(schema, document)));
    },
  };
}

function resultOf(parse: () => DocumentNode): DocumentNode | Error {
  try {
    return parse();
  } catch (error) {
    return withoutFrames(error as Error);
  }
}

function parseWithinBounds(text: string): DocumentNode {
  scanDocument(text);
  const document = parse(text);
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
