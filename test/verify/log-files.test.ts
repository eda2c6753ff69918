import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { logFilesAt } from '../../src/verify/log-files.ts';

let server: Server;
afterEach(() => {
  server.close();
});

/** A log that answers with these statuses, one after another, and with the last one from then on. */
async function serve(...statuses: number[]) {
  const asked: (string | undefined)[] = [];
  server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(statuses[Math.min(asked.length, statuses.length) - 1] ?? 200, { 'retry-after': '0' });
    response.end('{"errors":[{"message":"too busy"}]}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { read: logFilesAt(url), asked };
}

test('a log that is too busy is asked again', async () => {
  const { read, asked } = await serve(429, 503, 200);
  expect(Buffer.from((await read('checkpoint')) ?? []).toString()).toContain('too busy');
  expect(asked).toEqual(['/checkpoint', '/checkpoint', '/checkpoint']);
});

test.each([401, 403, 410, 500])('status %i is final', async (status) => {
  const { read, asked } = await serve(status, 200);
  await expect(read('checkpoint')).rejects.toMatchObject({
    name: 'LogFileError',
    status,
    message: expect.stringContaining('too busy'),
  });
  expect(asked.length).toBe(1);
});

test('a file that is not there is no error', async () => {
  const { read, asked } = await serve(404);
  expect(await read('checkpoint')).toBeUndefined();
  expect(asked.length).toBe(1);
});
