import {
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { createVariableCoercion, type VariableCoercion } from './coerce.ts';
import { Plan } from './plan.ts';

/** Most values of the variables in `@skip` and `@include` for which plans of an operation are kept. */
const MAX_PLANS = 16;

/** An operation of a document, and what is found out about it once. */
export interface Operation {
  node: OperationDefinitionNode;
  coerce: VariableCoercion;
  /** How it is executed with these coerced values. */
  planFor(variables: Readonly<Record<string, unknown>>): Plan;
}

/**
 * Makes the finding of a document's operations. What is found is kept as long as the document: so a document that is
 * not kept costs no memory, and one that is costs a few times its own.
 */
export function createOperations(
  schema: GraphQLSchema,
): (document: DocumentNode, name?: string | null) => Operation | undefined {
  const known = new WeakMap<DocumentNode, Map<OperationDefinitionNode, Operation>>();
  return (document, name) => {
    const node = getOperationAST(document, name);
    if (!node) return undefined;
    const operations = known.get(document) ?? new Map<OperationDefinitionNode, Operation>();
    known.set(document, operations);
    const operation = operations.get(node) ?? createOperation(schema, document, node);
    operations.set(node, operation);
    return operation;
  };
}

function createOperation(
  schema: GraphQLSchema,
  document: DocumentNode,
  node: OperationDefinitionNode,
): Operation {
  const conditions = variablesOfConditions(document);
  const plans = new Map<string, Plan>();
  return {
    node,
    coerce: createVariableCoercion(schema, node),
    planFor(variables) {
      const key = conditions.map((name) => (variables[name] === true ? '1' : '0')).join('');
      const plan = plans.get(key) ?? new Plan(schema, document, node, variables);
      if (plans.size >= MAX_PLANS) plans.clear();
      plans.set(key, plan);
      return plan;
    },
  };
}

function variablesOfConditions(document: DocumentNode): string[] {
  const names = new Set<string>();
  visit(document, {
    Directive: ({ arguments: given = [] }) => {
      for (const { value } of given) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}
