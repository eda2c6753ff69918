import {
  type ASTNode,
  type DocumentNode,
  type GraphQLError,
  Kind,
  type Location,
  parse,
  type Source,
} from 'graphql';

// A document may have several errors: parsed once for all of them.
const parsed = new WeakMap<Source, DocumentNode>();
/** The paths of what errors of an execution name, in documents without locations. */
const kept = new WeakMap<ASTNode, string>();

/** Errors of the document find their arguments without parsing it once more. */
export function rememberDocument(document: DocumentNode): void {
  if (document.loc) parsed.set(document.loc.source, document);
}

/**
 * Takes the locations out of a document. For each place of each error graphql-js looks through the text before it,
 * and an execution may have thousands of errors. The tree takes less memory too: locations keep all tokens. `keepsPaths`:
 * the document is not valid, and every node is to be found that an error of it may name.
 */
export function forgetLocations(document: DocumentNode, { keepsPaths = false } = {}): void {
  const uses = new Map<string, string>();
  const definitions: { node: ASTNode; name: string }[] = [];
  const forget = (node: ASTNode, path: string, parent: ASTNode) => {
    (node as { loc?: Location | undefined }).loc = undefined;
    if (keepsPaths && path !== '') kept.set(node, path);
    if (node.kind === Kind.ARGUMENT) kept.set(node.value, path);
    if (node.kind === Kind.VARIABLE_DEFINITION) definitions.push({ node, name: path });
    else if (node.kind === Kind.VARIABLE && parent.kind !== Kind.VARIABLE_DEFINITION) {
      kept.set(node, path);
      if (!uses.has(node.name.value)) uses.set(node.name.value, path);
    }
    childrenOf(node).forEach((child, index) => {
      forget(child, pathOf(child, { node, path, index }), node);
    });
  };
  forget(document, '', document);
  for (const { node, name } of definitions) kept.set(node, uses.get(name) ?? name);
}

/** The argument path, such as `input[17].details.a[3]`, of the literal that an error names; undefined where it names none. */
export function literalPath({ nodes, source, positions }: GraphQLError): string | undefined {
  const [node] = nodes ?? [];
  if (!node) return undefined;
  const offset = positions?.[0];
  return source && offset !== undefined ? pathAt(documentOf(source), offset) : kept.get(node);
}

/** The argument path at which the document of an error uses a variable, such as `input.details`; undefined where it does not. */
export function variablePath({ nodes, source }: GraphQLError, variable: string): string | undefined {
  if (source) return pathOfUse(documentOf(source), variable, '');
  const [definition] = nodes ?? [];
  return definition && kept.get(definition);
}

function documentOf(source: Source): DocumentNode {
  const document = parsed.get(source) ?? parse(source);
  parsed.set(source, document);
  return document;
}

function pathAt(document: DocumentNode, offset: number): string | undefined {
  const covers = ({ loc }: ASTNode) => loc !== undefined && loc.start <= offset && offset < loc.end;
  let node: ASTNode = document;
  let path = '';
  for (;;) {
    const children = childrenOf(node);
    const index = children.findIndex(covers);
    const child = children[index];
    if (!child) return path === '' ? undefined : path;
    path = pathOf(child, { node, path, index });
    node = child;
  }
}

function pathOfUse(node: ASTNode, variable: string, path: string): string | undefined {
  if (node.kind === Kind.VARIABLE_DEFINITION) return undefined;
  if (node.kind === Kind.VARIABLE) return node.name.value === variable ? path : undefined;
  for (const [index, child] of childrenOf(node).entries()) {
    const found = pathOfUse(child, variable, pathOf(child, { node, path, index }));
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Parent {
  node: ASTNode;
  path: string;
  /** Which of its children it is. */
  index: number;
}

function pathOf(child: ASTNode, { node, path, index }: Parent): string {
  if (child.kind === Kind.ARGUMENT) return child.name.value;
  if (child.kind === Kind.VARIABLE_DEFINITION) return child.variable.name.value;
  if (child.kind === Kind.OBJECT_FIELD) return `${path}.${child.name.value}`;
  return node.kind === Kind.LIST ? `${path}[${index}]` : path;
}

function childrenOf(node: ASTNode): ASTNode[] {
  return Object.values(node).flat().filter(isNode);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && typeof (value as ASTNode).kind === 'string';
}
