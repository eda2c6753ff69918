import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { badInput } from '../../errors.ts';

/**
 * Refuses a subscription whose field depends on a variable, or that has none left: a subscription has exactly one field
 * (GraphQL, 5.2.4.1), and graphql-js 16 fails inside where `@skip` or `@include` leave none. Other fields beside it are
 * for validation to refuse. Fragments do not go in circles. Throws BAD_USER_INPUT.
 */
export function checkSubscriptionRoot({ definitions }: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    if (definition.operation !== OperationTypeNode.SUBSCRIPTION) continue;
    if (!hasField(definition.selectionSet, fragments))
      throw badInput('query', 'the field of a subscription must not be left out by @skip or @include');
  }
}

// Each fragment is taken out of the map when it is spread for the first time, as when fields are collected.
function hasField({ selections }: SelectionSetNode, fragments: Map<string, FragmentDefinitionNode>): boolean {
  let isFound = false;
  for (const selection of selections) {
    if (!isIncluded(selection.directives)) continue;
    if (selection.kind === Kind.FIELD) isFound = true;
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      isFound = hasField(selection.selectionSet, fragments) || isFound;
    else {
      const fragment = fragments.get(selection.name.value);
      fragments.delete(selection.name.value);
      // Validation reports unknown fragments.
      isFound = !fragment || hasField(fragment.selectionSet, fragments) || isFound;
    }
  }
  return isFound;
}

function isIncluded(directives: readonly DirectiveNode[] = []): boolean {
  for (const { name, arguments: given } of directives) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const condition = given?.find((argument) => argument.name.value === 'if')?.value;
    if (condition?.kind === Kind.VARIABLE)
      throw badInput('query', `the field of a subscription must not depend on a variable in @${name.value}`);
    if (condition?.kind === Kind.BOOLEAN && condition.value === (name.value === 'skip')) return false;
  }
  return true;
}
