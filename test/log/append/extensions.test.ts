import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'vitest';
import { loadExtensions } from '../../../src/log/append/extensions.ts';
import type { TestDatabase } from '../../support/database.ts';
import { startService } from '../../support/service.ts';
import { test } from '../../support/test.ts';

let folder: string;
let database: TestDatabase;
test.beforeAll(async ({ later, createDatabase }) => {
  folder = mkdtempSync(join(tmpdir(), 'audit-log-module-'));
  later(() => rmSync(folder, { recursive: true }));
  database = await createDatabase();
});

/** Writes a module and returns its path from the working directory. */
function moduleOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return relative(process.cwd(), path);
}

test('PIPELINE_MODULE names a module whose filters, handlers and names come before those of the program', async () => {
  const PIPELINE_MODULE = moduleOf(
    'pipeline.mjs',
    `export const seen = [];
     export const filters = [({ action }) => action !== 'unwanted'];
     export const handlers = [{ name: 'seen', handle: ({ action, details }) => { seen.push({ action, details }); } }];
     export const redact = ['iban'];`,
  );
  const service = await startService(database.url, { PIPELINE_MODULE }, { redact: ['plate'] });
  const input = ['unwanted', 'wanted'].map((action) => ({
    eventType: 'DATA_READ',
    action,
    details: { customerIban: 'DE89', plate: 'B-AA 1', city: 'Bonn' },
  }));
  const { data } = await service.ask(
    'mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded filtered } }',
    { input },
  );
  expect(data).toEqual({ logEvents: { recorded: 1, filtered: 1 } });
  await service.stop();
  const { seen } = (await import(join(folder, 'pipeline.mjs'))) as { seen: unknown[] };
  const details = { customerIban: '[REDACTED]', plate: '[REDACTED]', city: 'Bonn' };
  expect(seen).toEqual([{ action: 'wanted', details }]);
});

test.each([
  ['filters', 'export const filters = [1];', '"filters" must be an array of functions'],
  ['handlers', 'export const handlers = () => 1;', '"handlers" must be an array of { name, handle }'],
  [
    'a handler',
    'export const handlers = [{ name: "a" }];',
    '"handlers" must be an array of { name, handle }',
  ],
  ['redact', 'export const redact = "iban";', '"redact" must be an array of names'],
])('a module with wrong %s is refused at start, by name', async (name, text, message) => {
  const path = moduleOf(`${name}.mjs`, text);
  await expect(loadExtensions(path)).rejects.toThrow(`${path}: ${message}`);
});

test('a module that is not there is refused at start', async () => {
  await expect(loadExtensions(join(folder, 'none.mjs'))).rejects.toThrow('none.mjs');
});
