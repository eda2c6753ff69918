import type { PoolClient, QueryResultRow } from 'pg';

let cursors = 0;

/**
 * The rows of a statement, `size` at a time, through a cursor of the transaction that the client is in. Other
 * statements, and other streams, may run on the client in between.
 */
export async function* streamRows<Row extends QueryResultRow>(
  client: PoolClient,
  statement: { sql: string; parameters?: unknown[]; size: number },
): AsyncGenerator<Row, void> {
  cursors += 1;
  const name = `stream_${cursors}`;
  await client.query(`DECLARE ${name} NO SCROLL CURSOR FOR ${statement.sql}`, statement.parameters ?? []);
  for (;;) {
    const { rows } = await client.query<Row>(`FETCH ${statement.size} FROM ${name}`);
    yield* rows;
    if (rows.length < statement.size) break;
  }
  await client.query(`CLOSE ${name}`);
}

/** A sequence with a look at what comes next. */
export class Peekable<T> {
  readonly #source: AsyncIterator<T>;
  #ahead: Promise<IteratorResult<T>> | undefined;

  constructor(source: AsyncIterable<T>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** What `take` will give; undefined at the end. */
  async peek(): Promise<T | undefined> {
    this.#ahead ??= this.#source.next();
    const { done, value } = await this.#ahead;
    return done ? undefined : value;
  }

  /** The next element; undefined at the end. */
  async take(): Promise<T | undefined> {
    const value = await this.peek();
    if (value !== undefined) this.#ahead = undefined;
    return value;
  }

  /** The elements up to the first for which `isWanted` is false, which stays. */
  async *while(isWanted: (element: T) => boolean): AsyncGenerator<T, void> {
    for (;;) {
      const next = await this.peek();
      if (next === undefined || !isWanted(next)) return;
      this.#ahead = undefined;
      yield next;
    }
  }
}
