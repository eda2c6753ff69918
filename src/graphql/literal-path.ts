import { type ASTNode, BREAK, type DocumentNode, Kind, parse, type Source, visit } from 'graphql';

// A document may have several errors: parsed once for all of them.
const parsed = new WeakMap<Source, DocumentNode>();

/** The argument path, such as `input[17].details.a[3]`, of the literal at an offset of a document; undefined outside one. */
export function literalPath(source: Source, offset: number): string | undefined {
  let path: string | undefined;
  const covers = ({ loc }: ASTNode) => loc !== undefined && loc.start <= offset && offset < loc.end;
  visit(documentOf(source), {
    enter(node) {
      if (!covers(node)) return false;
      if (node.kind === Kind.ARGUMENT) path = node.name.value;
      else if (node.kind === Kind.VARIABLE_DEFINITION) path = node.variable.name.value;
      else if (node.kind === Kind.OBJECT_FIELD) path += `.${node.name.value}`;
      else if (node.kind === Kind.LIST && node.values.some(covers))
        path += `[${node.values.findIndex(covers)}]`;
      return undefined;
    },
  });
  return path;
}

/** The argument path at which a document uses a variable, such as `input.details`; undefined where it does not. */
export function variablePath(source: Source, variable: string): string | undefined {
  let offset: number | undefined;
  visit(documentOf(source), {
    VariableDefinition: () => false,
    Variable: ({ name, loc }) => {
      if (name.value !== variable) return undefined;
      offset = loc?.start;
      return BREAK;
    },
  });
  return offset === undefined ? undefined : literalPath(source, offset);
}

function documentOf(source: Source): DocumentNode {
  const document = parsed.get(source) ?? parse(source);
  parsed.set(source, document);
  return document;
}
