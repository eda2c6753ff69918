import type { PoolClient } from 'pg';
import { type PackedRows, unpackRows } from './packed-rows.ts';
import { type ReadRows, rowReader } from './rows.ts';
import { Thread } from './thread.ts';

/** What a thread that reads rows begins with. */
export interface RowThreadData {
  /** Where the database is. */
  url: string;
  /** The snapshot that it reads in. */
  snapshot: string;
}

/** Threads for a verification, each with a connection of its own. */
export interface RowThreads {
  /** Where the database is. */
  url: string;
  /** 0: everything is done in this thread. */
  count: number;
}

/** How rows are read, and how many pages may be asked for beforehand. */
export interface RowReading {
  read: ReadRows;
  ahead: number;
  end(): Promise<void>;
}

/**
 * Reads and checks rows in threads, all in the snapshot of the client's transaction; in this thread and on the client
 * itself when there are to be none.
 */
export async function readRowsIn(client: PoolClient, threads: RowThreads | undefined): Promise<RowReading> {
  // The client takes one statement at a time, and others read on it in between.
  if (!threads || threads.count === 0)
    return { read: rowReader(client), ahead: 0, end: async () => undefined };
  const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
  const data: RowThreadData = { url: threads.url, snapshot: rows[0]?.snapshot ?? '' };
  const file = new URL('./row-worker.js', import.meta.url);
  const own = Array.from(
    { length: threads.count },
    () => new Thread<[number, number], PackedRows>(file, data),
  );
  let next = 0;
  return {
    async read(start, end) {
      const thread = own[next % own.length] as (typeof own)[number];
      next += 1;
      return unpackRows(await thread.ask([start, end]));
    },
    ahead: 2 * own.length,
    async end() {
      await Promise.all(own.map((thread) => thread.end()));
    },
  };
}
