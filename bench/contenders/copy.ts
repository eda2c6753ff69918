import type { Client, Connection, Submittable } from 'pg';
import { type Row, rowOf } from './columns.ts';

/** Batches of rows in COPY's text format, and the columns they hold. */
export interface CopyBatches {
  columns: readonly string[];
  batches: readonly Buffer[];
}

/** Encodes the events from `first` on as batches for COPY, before anything is measured. */
export function encodeBatches(first: number, count: number, batchSize: number): CopyBatches {
  const columns = Object.keys(rowOf(first, Date.now()));
  const batches: Buffer[] = [];
  for (let start = first; start < first + count; start += batchSize) {
    const end = Math.min(start + batchSize, first + count);
    let text = '';
    for (let number = start; number < end; number += 1) text += lineOf(rowOf(number, Date.now()), columns);
    batches.push(Buffer.from(text));
  }
  return { columns, batches };
}

/** Copies the batches into the table, each in a transaction of its own, one after another on one connection. */
export async function copyBatches(
  client: Client,
  table: string,
  { columns, batches }: CopyBatches,
): Promise<void> {
  const names = columns.map((column) => `"${column}"`).join(', ');
  for (const batch of batches) await copy(client, `COPY ${table} (${names}) FROM STDIN`, batch);
}

function lineOf(row: Row, columns: readonly string[]): string {
  return `${columns.map((column) => fieldOf(row[column] ?? null)).join('\t')}\n`;
}

function fieldOf(text: string | null): string {
  return text === null ? '\\N' : text.replace(/[\\\n\r\t]/g, (found) => ESCAPES[found] as string);
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** What of the connection the COPY subprotocol needs. */
interface CopyConnection extends Connection {
  query(sql: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

function copy(client: Client, sql: string, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const statement = {
      submit: (connection: Connection) => (connection as CopyConnection).query(sql),
      handleCopyInResponse(connection: CopyConnection) {
        connection.sendCopyFromChunk(data);
        connection.endCopyFrom();
      },
      handleCommandComplete: () => undefined,
      handleError: reject,
      handleReadyForQuery: () => resolve(),
    };
    client.query(statement as Submittable);
  });
}
