import {
  type ExecutionResult,
  GraphQLError,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  type ValidationRule,
} from 'graphql';

const CLOSED = new Set([SchemaMetaFieldDef.name, TypeMetaFieldDef.name]);

/** The rule of a deployment that does not show its schema: `__typename` stays, which clients need. */
export const noIntrospection: ValidationRule = (context) => ({
  Field: (node) => {
    if (!CLOSED.has(node.name.value)) return;
    const message = 'this service does not show its schema (INTROSPECTION)';
    context.reportError(new GraphQLError(message, { nodes: node, extensions: { code: 'FORBIDDEN' } }));
  },
});

/** A result whose errors do not tell the names of the schema one by one either. */
export function withoutSuggestions(result: ExecutionResult): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(withoutSuggestion) } : result;
}

// Of graphql-js itself: about the values of variables, where it has no setting for this.
function withoutSuggestion(error: GraphQLError): GraphQLError {
  if (error.originalError && !(error.originalError instanceof GraphQLError)) return error;
  const message = error.message.replace(/ Did you mean .*\?$/s, '');
  return message === error.message ? error : new GraphQLError(message, { nodes: error.nodes ?? null });
}
