import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';

const MODULE = join(inject('built'), 'server/operator-log.js');
// Counts what waits for the disk, logs, and ends as the service does.
const PROGRAM = `
  import fs from 'node:fs';
  const fsyncSync = fs.fsyncSync;
  let synced = 0;
  fs.fsyncSync = (fd) => { synced += 1; fsyncSync(fd); };
  const { openOperatorLog } = await import('${MODULE}');
  const log = openOperatorLog('info');
  log.fatal('the last problem');
  log.info('another one');
  log.debug('below the level');
  fs.writeSync(2, String(synced));
  log.flush(() => process.exit(0));
`;

test('nothing waits for a line of the log, a fatal one neither', () => {
  const folder = mkdtempSync(join(tmpdir(), 'operator-log-'));
  const file = join(folder, 'log');
  const output = openSync(file, 'w');
  try {
    const { status, stderr } = spawnSync(process.execPath, ['--input-type', 'module', '--eval', PROGRAM], {
      stdio: ['ignore', output, 'pipe'],
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '0' });
    // What is flushed at the end may come before what is being written then.
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n').sort();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 30, msg: 'another one' },
      { level: 60, msg: 'the last problem' },
    ]);
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  }
});
