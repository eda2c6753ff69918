import { parentPort, workerData } from 'node:worker_threads';
import { SILENCE } from '../db/client-with-deadlines.ts';
import { createPool } from '../db/pool.ts';
import { prismaWithin } from '../db/prisma.ts';
import { packRows, type RowThreadData, rowReader } from './read-rows.ts';

// A worker thread: reads and checks the rows between two positions, in the snapshot of the main thread.
const { url, snapshot } = workerData as RowThreadData;
const client = await createPool(url, () => undefined, { max: 1, silenceMs: SILENCE.none }).connect();
await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(snapshot)}`);
const read = rowReader(prismaWithin(client));

async function answer([start, end]: [number, number]): Promise<void> {
  const packed = packRows(await read(start, end));
  const { positions, leaves, storedLeaves } = packed;
  parentPort?.postMessage(packed, [positions.buffer, leaves.buffer, storedLeaves.buffer]);
}

// A connection takes one statement at a time.
let last = Promise.resolve();
parentPort?.on('message', (range: [number, number]) => {
  last = last.then(() => answer(range));
});
