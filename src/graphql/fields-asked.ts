import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  Kind,
  type SelectionNode,
} from 'graphql';
import { isEventField } from '../log/row.ts';

// Kept by the places of the field, which an operation that is executed again has again.
const known = new WeakMap<readonly FieldNode[], { asked: ReadonlySet<string> | undefined }>();

/**
 * The fields of events that an operation asks for beneath a field, and perhaps more of them; what is not among them
 * nobody will look at. Undefined: all, as something is asked for that is made from an event, such as a proof.
 */
export function eventFieldsAsked(info: GraphQLResolveInfo): ReadonlySet<string> | undefined {
  const found = known.get(info.fieldNodes) ?? { asked: find(info) };
  known.set(info.fieldNodes, found);
  return found.asked;
}

function find({ schema, fieldNodes, fragments }: GraphQLResolveInfo): ReadonlySet<string> | undefined {
  const fields = (schema.getType('AuditEvent') as GraphQLObjectType).getFields();
  const asked = [...namesBeneath(fieldNodes, fragments)].filter((name) => Object.hasOwn(fields, name));
  return asked.every(isEventField) ? new Set(asked) : undefined;
}

// Of fields at whatever depth and of whatever type.
function namesBeneath(nodes: readonly FieldNode[], fragments: GraphQLResolveInfo['fragments']): Set<string> {
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
