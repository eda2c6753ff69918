import { type ASTNode, Kind, parse, visit } from 'graphql';

/** The argument path, such as `input[17].details.a[3]`, of the literal at an offset of a document; undefined outside one. */
export function literalPath(document: string, offset: number): string | undefined {
  let path: string | undefined;
  const covers = ({ loc }: ASTNode) => loc !== undefined && loc.start <= offset && offset < loc.end;
  visit(parse(document), {
    enter(node) {
      if (!covers(node)) return false;
      if (node.kind === Kind.ARGUMENT) path = node.name.value;
      else if (node.kind === Kind.OBJECT_FIELD) path += `.${node.name.value}`;
      else if (node.kind === Kind.LIST && node.values.some(covers))
        path += `[${node.values.findIndex(covers)}]`;
      return undefined;
    },
  });
  return path;
}
