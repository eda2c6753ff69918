import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { badInput } from '../../errors.ts';
import { checkBound } from './bounds.ts';

/** How large a selection is with its fragments spread. */
interface Shape {
  /** Fields and fragments side by side. */
  width: number;
  /** All fields and fragments. */
  fields: number;
  aliases: number;
  /** Fields within fields. */
  depth: number;
}

const EMPTY: Shape = { width: 0, fields: 0, aliases: 0, depth: 0 };
// Counts as a field: validation compares fragments side by side with one another too.
const FRAGMENT: Shape = { ...EMPTY, width: 1, fields: 1 };

/**
 * Refuses a document that is too large with its fragments spread. Each fragment is counted once, so the time is linear
 * in the text, also where the count doubles from one fragment to the next. Before validation, some of whose rules
 * compare every field with every other. Throws QUERY_TOO_COMPLEX, and BAD_USER_INPUT for fragments that go in circles.
 *
 * Not by graphql-armor (2.6): its rules run within validation, so "22 fragments that double" in hostile/documents.test.ts
 * take 19 s there, and know no nesting of values, width and number of fields: 16 of the 31 documents of that test that
 * this refuses pass, or are INTERNAL ("fields within fields, 200,000 deep").
 */
export function checkShape(document: DocumentNode): void {
  const fragments = new Fragments(document);
  let all = EMPTY;
  for (const definition of document.definitions) {
    if ('directives' in definition) checkDirectives(definition.directives);
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.shapeOf(definition.name.value);
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const shape = shapeOf(definition.selectionSet, fragments);
    checkBound('rootFields', shape.width);
    all = checked(sum(all, { ...shape, width: 0 }));
  }
}

class Fragments {
  readonly #definitions = new Map<string, FragmentDefinitionNode>();
  readonly #shapes = new Map<string, Shape | 'being counted'>();

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#definitions.set(definition.name.value, definition);
    }
  }

  shapeOf(name: string): Shape {
    const known = this.#shapes.get(name);
    if (known === 'being counted') throw badInput('query', `the fragment "${name}" is spread within itself`);
    if (known) return known;
    const definition = this.#definitions.get(name);
    // Validation reports unknown fragments.
    if (!definition) return EMPTY;
    this.#shapes.set(name, 'being counted');
    const shape = shapeOf(definition.selectionSet, this);
    this.#shapes.set(name, shape);
    return shape;
  }
}

function shapeOf({ selections }: SelectionSetNode, fragments: Fragments): Shape {
  let shape = EMPTY;
  for (const selection of selections) {
    checkDirectives(selection.directives);
    shape = checked(sum(shape, shapeOfSelection(selection, fragments)));
  }
  return shape;
}

function shapeOfSelection(selection: SelectionNode, fragments: Fragments): Shape {
  if (selection.kind === Kind.FRAGMENT_SPREAD) return sum(FRAGMENT, fragments.shapeOf(selection.name.value));
  if (selection.kind === Kind.INLINE_FRAGMENT)
    return sum(FRAGMENT, shapeOf(selection.selectionSet, fragments));
  const inner = selection.selectionSet ? shapeOf(selection.selectionSet, fragments) : EMPTY;
  return {
    width: 1,
    fields: inner.fields + 1,
    aliases: inner.aliases + (selection.alias ? 1 : 0),
    depth: inner.depth + 1,
  };
}

function sum(one: Shape, other: Shape): Shape {
  return {
    width: one.width + other.width,
    fields: one.fields + other.fields,
    aliases: one.aliases + other.aliases,
    depth: Math.max(one.depth, other.depth),
  };
}

function checked(shape: Shape): Shape {
  checkBound('sideBySide', shape.width);
  checkBound('fields', shape.fields);
  checkBound('aliases', shape.aliases);
  checkBound('depth', shape.depth);
  return shape;
}

function checkDirectives(directives: readonly DirectiveNode[] | undefined): void {
  checkBound('directivesAtOnePlace', directives?.length ?? 0);
}
