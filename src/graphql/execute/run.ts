import { type ASTNode, type GraphQLError, type GraphQLResolveInfo, locatedError } from 'graphql';

/** A place in an answer; the innermost name or index first. */
export type Path = GraphQLResolveInfo['path'];

/** One execution of an operation. */
export interface Run {
  context: unknown;
  rootValue: unknown;
  /** Coerced values of the variables. */
  variables: Record<string, unknown>;
  /** Of the fields that may be null. */
  errors: GraphQLError[];
}

/** What is known, where something fails, of the value that has failed. */
export interface Place {
  nodes: readonly ASTNode[];
  /** Then its error is that of what it stands in. */
  isNonNull: boolean;
}

/** Makes a place out of the one before it. */
export function addPath(prev: Path | undefined, key: string | number, typename?: string): Path {
  return { prev, key, typename };
}

/** What a value that has failed becomes: null, with its error kept. Throws it where the value cannot be null. */
export function fail(run: Run, place: Place, error: unknown, path: Path): null {
  const located = locatedError(error, place.nodes, keysOf(path));
  if (place.isNonNull) throw located;
  run.errors.push(located);
  return null;
}

/** Whether a value is one that comes later. */
export function isPromise(value: unknown): value is Promise<unknown> {
  // Most are texts, in whose prototype there would be nothing to find.
  return typeof value === 'object' && typeof (value as Promise<unknown> | null)?.then === 'function';
}

/** Passes a value on; throws one that is an error. */
export function refuseError(value: unknown): unknown {
  if (value instanceof Error) throw value;
  return value;
}

/** Throws the error when the others have ended: nothing runs on behind an answer, and nobody would catch their errors. */
export async function endedBefore(others: readonly unknown[], error: unknown): Promise<never> {
  await Promise.allSettled(others);
  throw error;
}

function keysOf(path: Path): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at: Path | undefined = path; at; at = at.prev) keys.unshift(at.key);
  return keys;
}
