import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from 'graphql';
import { collectFields, type Scene } from './collect.ts';
import { type Complete, completerOf } from './complete.ts';
import type { Place } from './run.ts';

/** All that can be known of a field of an operation before it is executed. */
export interface FieldPlan extends Place {
  /** Its name in the answer. */
  name: string;
  nodes: readonly [FieldNode, ...FieldNode[]];
  parent: GraphQLObjectType;
  field: GraphQLField<unknown, unknown>;
  resolve: GraphQLFieldResolver<unknown, unknown>;
  /** What its resolver is told beside the run and the path; undefined: it takes three parameters at most. */
  info: Omit<GraphQLResolveInfo, 'path' | 'rootValue' | 'variableValues'> | undefined;
  complete: Complete;
}

/** The fields that are asked of an object. */
export type ObjectPlan = readonly FieldPlan[];

/**
 * How an operation is executed: which fields of which types, with which resolvers, found once for all the executions of
 * a document that have the same values in `@skip` and `@include`. What is not reached is not planned.
 */
export class Plan {
  readonly operation: OperationDefinitionNode;
  readonly #scene: Scene;
  readonly fragments: Record<string, FragmentDefinitionNode>;
  #root: ObjectPlan | undefined;

  constructor(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
  ) {
    const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
    this.operation = operation;
    this.fragments = Object.fromEntries(
      (fragments as FragmentDefinitionNode[]).map((fragment) => [fragment.name.value, fragment]),
    );
    this.#scene = { schema, variables, fragments: new Map(Object.entries(this.fragments)) };
  }

  get schema(): GraphQLSchema {
    return this.#scene.schema;
  }

  /** The fields of the operation itself. */
  get root(): ObjectPlan {
    const type = this.schema.getRootType(this.operation.operation) as GraphQLObjectType;
    this.#root ??= this.#planOf(type, [this.operation]);
    return this.#root;
  }

  /** The fields asked of an object of that type, which stands in a field that is asked for at those places. */
  fieldsOf(type: GraphQLObjectType, nodes: readonly FieldNode[]): ObjectPlan {
    return this.#planOf(type, nodes);
  }

  #planOf(type: GraphQLObjectType, nodes: readonly (FieldNode | OperationDefinitionNode)[]): ObjectPlan {
    const selectionSets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const fields = collectFields(this.#scene, type, selectionSets);
    return [...fields].map(([name, asked]) => this.#fieldOf(type, name, asked as [FieldNode]));
  }

  #fieldOf(parent: GraphQLObjectType, name: string, nodes: [FieldNode, ...FieldNode[]]): FieldPlan {
    const field = definitionOf(this.schema, parent, nodes[0].name.value);
    const resolve = field.resolve ?? propertyOf(field.name);
    const info = {
      fieldName: field.name,
      fieldNodes: nodes,
      returnType: field.type,
      parentType: parent,
      schema: this.schema,
      fragments: this.fragments,
      operation: this.operation,
    };
    return {
      name,
      nodes,
      parent,
      field,
      resolve,
      info: takesInfo(resolve) ? info : undefined,
      isNonNull: isNonNullType(field.type),
      complete: completerOf(this, { type: field.type, parent, field, nodes }),
    };
  }
}

// One with rest parameters has a length of 0.
function takesInfo({ length }: GraphQLFieldResolver<unknown, unknown>): boolean {
  return length === 0 || length > 3;
}

// What the objects of this service hold is data: none of it is a function to be called.
function propertyOf(name: string): GraphQLFieldResolver<unknown, unknown> {
  return (source) => (source as Record<string, unknown> | null | undefined)?.[name];
}

function definitionOf(
  schema: GraphQLSchema,
  parent: GraphQLObjectType,
  name: string,
): GraphQLField<unknown, unknown> {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  if (parent === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  const field = parent.getFields()[name];
  if (!field) throw new Error(`${parent.name} has no field ${name}: the document was not validated`);
  return field;
}
