import { parentPort } from 'node:worker_threads';
import { hashLines } from './export-lines.ts';

// A worker thread: gets bytes of whole lines and answers with their leaf hashes, in order.
parentPort?.on('message', (bytes: Uint8Array) => {
  const hashes = hashLines(bytes);
  parentPort?.postMessage(hashes, [hashes.buffer as ArrayBuffer]);
});
