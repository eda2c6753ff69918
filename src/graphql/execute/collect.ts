import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  isAbstractType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql';

/** What the fields of a selection depend on beside the selection itself. */
export interface Scene {
  schema: GraphQLSchema;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Coerced values of the variables. */
  variables: Readonly<Record<string, unknown>>;
}

/**
 * The fields that selections ask of an object of that type, by their names in the answer, each with the places where it
 * is asked for (GraphQL, 6.3.2: CollectFields).
 */
export function collectFields(
  scene: Scene,
  type: GraphQLObjectType,
  selectionSets: readonly SelectionSetNode[],
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const spread = new Set<string>();

  function add(selection: SelectionNode): void {
    if (!isIncluded(scene, selection)) return;
    if (selection.kind === Kind.FIELD) {
      const name = selection.alias?.value ?? selection.name.value;
      const nodes = fields.get(name);
      if (nodes) nodes.push(selection);
      else fields.set(name, [selection]);
      return;
    }
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragmentOf(selection.name.value) : selection;
    if (fragment && isOn(scene.schema, fragment.typeCondition, type))
      fragment.selectionSet.selections.forEach(add);
  }

  function fragmentOf(name: string): FragmentDefinitionNode | undefined {
    if (spread.has(name)) return undefined;
    spread.add(name);
    return scene.fragments.get(name);
  }

  for (const { selections } of selectionSets) selections.forEach(add);
  return fields;
}

function isIncluded({ variables }: Scene, node: SelectionNode): boolean {
  if (!node.directives?.length) return true;
  return (
    getDirectiveValues(GraphQLSkipDirective, node, variables)?.if !== true &&
    getDirectiveValues(GraphQLIncludeDirective, node, variables)?.if !== false
  );
}

function isOn(
  schema: GraphQLSchema,
  condition: FragmentDefinitionNode['typeCondition'] | undefined,
  type: GraphQLObjectType,
): boolean {
  const wanted = condition && typeFromAST(schema, condition);
  return !wanted || wanted === type || (isAbstractType(wanted) && schema.isSubType(wanted, type));
}
