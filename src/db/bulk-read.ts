import type { Connection, PoolClient, QueryResultRow, Submittable } from 'pg';
import pg from 'pg';
import { SILENCE } from './client.ts';
import type { Prisma } from './generated/client.ts';
import type { Pool } from './pool.ts';
import { asCustomer } from './row-level-security.ts';

/**
 * Reads the rows of a query through COPY in its binary format and hands each to `onRow`, as the bytes that the manual
 * describes under COPY ("Tuples"), from its field count on. What `onRow` keeps it has to copy. When `onRow` returns
 * false, the rest is not read, and the connection is given up for it.
 */
export type CopyRows = (query: string, onRow: (row: Buffer) => boolean) => Promise<void>;

/** Copies on a connection, within its transaction if it is in one. */
export function copyRowsOn(client: PoolClient): CopyRows {
  return async (query, onRow) => {
    await copy(client, query, onRow);
  };
}

/** Copies on the pool; with a customer, under row-level security, as `prismaAs` reads. */
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

/** The text of a statement that can take no parameters, as COPY: numbers, texts and lists of texts stand in it. */
export function withLiterals({ strings, values }: Prisma.Sql): string {
  return strings.map((text, at) => (at === 0 ? text : literalOf(values[at - 1]) + text)).join('');
}

function literalOf(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  // A NUL would end the statement there.
  if (typeof value === 'string' && !value.includes('\0')) return pg.escapeLiteral(value);
  if (Array.isArray(value)) return `ARRAY[${value.map(literalOf).join(',')}]`;
  throw new TypeError(`no literal for ${typeof value}`);
}

// Signature, flags and length of the extension, which PostgreSQL sends in front of the first row.
const HEADER_BYTES = 19;
const TRAILER = -1;

/** Resolves with whether everything was read; the connection is of no use otherwise. */
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
