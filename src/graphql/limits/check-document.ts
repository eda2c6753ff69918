import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { withHints } from '../errors.ts';
import { MAX_ERRORS } from './bounds.ts';
import { DocumentCache } from './document-cache.ts';
import { noIntrospection } from './introspection.ts';
import { scanDocument } from './scan.ts';
import { checkShape } from './shape.ts';
import { checkSubscriptionRoot } from './subscription-root.ts';

const CACHED = { characters: 500_000, each: 10_000 };

/** A document that may be executed, or why it may not. */
export type Checked = { document: DocumentNode } | { errors: readonly GraphQLError[] };

/** Checks the text of a document. */
export type DocumentCheck = (text: string) => Checked;

/**
 * Makes the check: the bounds of the text before it is parsed, those of the document before it is validated. What was
 * found is kept for the documents that come again and again, so a document is the same object each time.
 */
export function createDocumentCheck(schema: GraphQLSchema, hasIntrospection: boolean): DocumentCheck {
  const known = new DocumentCache<Checked>(CACHED);
  const rules = hasIntrospection ? specifiedRules : [...specifiedRules, noIntrospection];
  // Suggestions would tell the names of the schema one by one.
  const options = { maxErrors: MAX_ERRORS, hideSuggestions: !hasIntrospection };

  function check(text: string): Checked {
    try {
      scanDocument(text);
      const document = parse(text);
      checkShape(document);
      checkSubscriptionRoot(document);
      const errors = validate(schema, document, rules, options);
      return errors.length === 0 ? { document } : { errors: errors.map(invalid) };
    } catch (error) {
      return { errors: [refused(error as Error)] };
    }
  }

  return (text) => {
    const checked = known.get(text) ?? check(text);
    known.set(text, checked);
    return checked;
  };
}

function refused(error: Error): GraphQLError {
  return error instanceof GraphQLError
    ? invalid(error)
    : new GraphQLError(error.message, { originalError: error });
}

// As application/json it is an answer like any other.
function invalid(error: GraphQLError): GraphQLError {
  return withHints(error, { status: 400, spec: true });
}
