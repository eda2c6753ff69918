import type { QueryConfig } from 'pg';

/** So many texts are prepared at most: each takes room on every connection. */
const MAX_TEXTS = 32;
const names = new Map<string, string>();

/**
 * A statement that each connection prepares once, so that PostgreSQL need not plan it each time: for one whose best plan
 * is the same whatever its parameters. Of texts beyond the first 32 it plans each anew, as of any other statement.
 */
export function prepared(text: string, values: unknown[]): QueryConfig {
  if (names.size < MAX_TEXTS && !names.has(text)) names.set(text, `prepared_${names.size}`);
  const name = names.get(text);
  return { text, values, ...(name !== undefined && { name }) };
}
