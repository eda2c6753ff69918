import type { Connection, PoolClient, QueryResultRow, Submittable } from 'pg';
import pg from 'pg';
import { SILENCE } from './client-with-deadlines.ts';
import type { Prisma } from './generated/client.ts';
import type { Pool } from './pool.ts';
import { asCustomer } from './row-level-security.ts';

/**
 * Reads the rows of a query through COPY in binary format. `onRow` gets the bytes of each row as the manual describes
 * them under COPY ("Tuples"), from its field count on. `onRow` must copy what it keeps. When it returns false, the rest
 * is not read and the connection is closed.
 */
export type CopyRows = (query: string, onRow: (row: Buffer) => boolean) => Promise<void>;

/** Copies on a connection, within its open transaction if there is one. */
export function copyRowsOn(client: PoolClient): CopyRows {
  return async (query, onRow) => {
    await copy(client, query, onRow);
  };
}

/** Copies on a connection of the pool. With a customer, under row-level security, like `prismaAsCustomer`. */
export function createCopyRows(pool: Pool, customerId?: string): CopyRows {
  if (customerId !== undefined)
    return async (query, onRow) => {
      await asCustomer(pool, customerId, (client) => copy(client, query, onRow));
    };
  return async (query, onRow) => {
    const client = await pool.connect();
    let broken: Error | boolean = true;
    try {
      broken = !(await copy(client, query, onRow));
    } catch (error) {
      broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  };
}

/** The statement with its parameters as literals: numbers, strings and lists of strings. COPY takes no parameters. */
export function withLiterals({ strings, values }: Prisma.Sql): string {
  return strings.map((text, at) => (at === 0 ? text : literalOf(values[at - 1]) + text)).join('');
}

function literalOf(value: unknown): string {
  // In parentheses: after a minus sign, a negative number would begin a comment.
  if (typeof value === 'number' && Number.isFinite(value)) return value < 0 ? `(${value})` : String(value);
  // A NUL would end the statement.
  if (typeof value === 'string' && !value.includes('\0')) return pg.escapeLiteral(value);
  if (Array.isArray(value)) return `ARRAY[${value.map(literalOf).join(',')}]`;
  throw new TypeError(`no literal for ${typeof value}`);
}

// Signature, flags and extension length, which precede the first row.
const HEADER_BYTES = 19;
const TRAILER = -1;

/** Resolves with whether all rows were read. If not, the connection cannot be used again. */
function copy(client: PoolClient, query: string, onRow: (row: Buffer) => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let isFirst = true;
    let isOver = false;
    const onMessage = (message: Buffer) => {
      const row = isFirst ? message.subarray(HEADER_BYTES) : message;
      isFirst = false;
      if (row.readInt16BE(0) === TRAILER || onRow(row)) return;
      isOver = true;
      resolve(false);
    };
    const statement = {
      silenceMs: SILENCE.long,
      submit: (connection: Connection & { query(sql: string): void }) =>
        connection.query(`COPY (${query}) TO STDOUT (FORMAT binary)`),
      handleCopyData({ chunk }: { chunk: Buffer }) {
        if (isOver) return;
        try {
          onMessage(chunk);
        } catch (error) {
          isOver = true;
          reject(error);
        }
      },
      handleCommandComplete: () => undefined,
      handleError: reject,
      handleReadyForQuery: () => resolve(true),
    };
    client.query(statement as Submittable);
  });
}

let cursors = 0;

/**
 * The rows of a statement, fetched `size` at a time through a cursor of the client's transaction. Other statements and
 * other streams may run on the client in between.
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

/** An async sequence whose next element can be inspected before it is taken. */
export class Peekable<T> {
  readonly #source: AsyncIterator<T>;
  #ahead: Promise<IteratorResult<T>> | undefined;

  constructor(source: AsyncIterable<T>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The element that `take` will return. Undefined at the end. */
  async peek(): Promise<T | undefined> {
    this.#ahead ??= this.#source.next();
    const { done, value } = await this.#ahead;
    return done ? undefined : value;
  }

  /** The next element. Undefined at the end. */
  async take(): Promise<T | undefined> {
    const value = await this.peek();
    if (value !== undefined) this.#ahead = undefined;
    return value;
  }

  /** The elements before the first one for which `isWanted` is false. That one is not taken. */
  async *while(isWanted: (element: T) => boolean): AsyncGenerator<T, void> {
    for (;;) {
      const next = await this.peek();
      if (next === undefined || !isWanted(next)) return;
      this.#ahead = undefined;
      yield next;
    }
  }
}
