import { GraphQLError, SchemaMetaFieldDef, TypeMetaFieldDef, type ValidationRule } from 'graphql';

const CLOSED = new Set([SchemaMetaFieldDef.name, TypeMetaFieldDef.name]);

/** The rule of a deployment that does not show its schema: `__typename` stays, which clients need. */
export const noIntrospection: ValidationRule = (context) => ({
  Field: (node) => {
    if (!CLOSED.has(node.name.value)) return;
    const message = 'this service does not show its schema (INTROSPECTION)';
    context.reportError(new GraphQLError(message, { nodes: node, extensions: { code: 'FORBIDDEN' } }));
  },
});
