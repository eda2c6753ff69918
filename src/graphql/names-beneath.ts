import { type FieldNode, type GraphQLResolveInfo, Kind, type SelectionNode } from 'graphql';

// Kept by the places of the field, which an operation that is executed again has again.
const known = new WeakMap<readonly FieldNode[], ReadonlySet<string>>();

/**
 * The names of all fields that an operation asks for beneath a field, at whatever depth: more than those of one of its
 * types, but none is missing. What is not among them nobody will look at.
 */
export function namesBeneath({ fieldNodes, fragments }: GraphQLResolveInfo): ReadonlySet<string> {
  const made = known.get(fieldNodes) ?? collect(fieldNodes, fragments);
  known.set(fieldNodes, made);
  return made;
}

function collect(nodes: readonly FieldNode[], fragments: GraphQLResolveInfo['fragments']): Set<string> {
  const names = new Set<string>();
  const spread = new Set<string>();

  function add(selection: SelectionNode): void {
    if (selection.kind === Kind.FIELD) names.add(selection.name.value);
    if (selection.kind !== Kind.FRAGMENT_SPREAD) {
      selection.selectionSet?.selections.forEach(add);
    } else if (!spread.has(selection.name.value)) {
      spread.add(selection.name.value);
      fragments[selection.name.value]?.selectionSet.selections.forEach(add);
    }
  }

  for (const { selectionSet } of nodes) selectionSet?.selections.forEach(add);
  return names;
}
