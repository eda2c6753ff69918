import type { TypedDocumentString } from './generated/graphql.ts';

/** The data that an operation answers with. */
export type ResultOf<Operation> = Operation extends TypedDocumentString<infer Data, infer _> ? Data : never;

/** The variables that an operation takes. */
export type VariablesOf<Operation> =
  Operation extends TypedDocumentString<infer _, infer Variables> ? Variables : never;
