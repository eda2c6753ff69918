import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Format } from '../../src/import/formats.ts';
import { MAX_RECORD_BYTES } from '../../src/import/lines.ts';
import { fixedZone } from '../../src/import/source-time.ts';
import { findSources } from '../../src/import/sources.ts';
import { actionOf, bytesOf, eventOf, readAll, readSample, sample } from './read.ts';

const keysOf = (records: Parameters<typeof eventOf>[0][]) =>
  records.map((record) => eventOf(record).idempotencyKey);

describe('forms of JSON', () => {
  const records = Array.from({ length: 5 }, (_, index) => ({
    eventName: 'GetObject',
    eventID: String(index % 3),
    requestParameters: { text: 'a "quoted" } ] , \\ text\n', list: [1, [2], { deep: {} }] },
  }));
  const forms = {
    lines: records.map((record) => JSON.stringify(record)).join('\n'),
    'lines with CRLF': records.map((record) => `${JSON.stringify(record)}\r\n`).join('\r\n'),
    array: JSON.stringify(records),
    'pretty array': JSON.stringify(records, null, 2),
    'CloudTrail file': JSON.stringify({ Records: records }),
    'pretty CloudTrail file': JSON.stringify({ Records: records, more: [{ eventName: 'x' }] }, null, 3),
    'CloudTrail file with other members first': JSON.stringify({ more: 1, Records: records }),
    'pretty objects one after the other': records.map((record) => JSON.stringify(record, null, 2)).join('\n'),
    'arrays one after the other': `${JSON.stringify(records.slice(0, 2))}\n${JSON.stringify(records.slice(2))}`,
    'byte order mark': `\uFEFF${JSON.stringify(records)}`,
  };

  it.each(Object.entries(forms))('%s, in pieces of any size', async (_, text) => {
    const expected = keysOf(await readAll('cloudtrail', bytesOf(forms.lines)));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 400 }), async (size) => {
        expect(keysOf(await readAll('cloudtrail', bytesOf(text, size)))).toEqual(expected);
        expect(keysOf(await readAll('cloudtrail', bytesOf(gzipSync(text), size)))).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });

  it('names the line on which a record begins', async () => {
    const found = await readAll('cloudtrail', bytesOf(JSON.stringify(records.slice(0, 2), null, 2)));
    expect(found.map(({ line }) => line)).toEqual([2, 18]);
  });

  it('loses one line to a malformed line', async () => {
    const text = `{"eventName":"GetA"}\n{"eventName":\n[]\n"text"\n{"eventName":"GetB"}\n`;
    const found = await readAll('cloudtrail', bytesOf(text));
    expect(found.map(actionOf)).toEqual(['GetA', 'not well-formed JSON', 'JSON, but not an object', 'GetB']);
  });

  it('loses one line to one that is nested very deep', async () => {
    const deep = (open: string, close: string) =>
      `{"eventName":"GetX","x":${open.repeat(100_000)}1${close.repeat(100_000)}}`;
    const text = `{"eventName":"GetA"}\n${deep('[', ']')}\n${deep('{"a":', '}')}\n{"eventName":"GetB"}\n`;
    const found = await readAll('cloudtrail', bytesOf(text));
    const lost = 'nested deeper than 1000 levels';
    expect(found.map(actionOf)).toEqual(['GetA', lost, lost, 'GetB']);
    const brackets = JSON.stringify({ eventName: 'GetC', x: '[{'.repeat(2_000) });
    expect((await readAll('cloudtrail', bytesOf(brackets))).map(actionOf)).toEqual(['GetC']);
  });

  it('reports what is cut off, not UTF-8, or too long, and goes on after it', async () => {
    expect(await readAll('okta', bytesOf('[{"eventType":"zone.update"},{"eventType":"c'))).toMatchObject([
      { input: { action: 'zone.update' } },
      { line: 1, unmapped: 'the JSON ends in the middle of this record' },
    ]);
    const latin1 = Buffer.from('{"eventType":"\xe9"}\n{"eventType":"zone.update"}', 'latin1');
    expect(await readAll('okta', bytesOf(latin1))).toMatchObject([
      { line: 1, unmapped: 'not valid UTF-8, which JSON requires' },
      { input: { action: 'zone.update' } },
    ]);
    const long = `{"eventType":"zone.update","x":"${'x'.repeat(MAX_RECORD_BYTES)}"}`;
    for (const text of [
      `{"eventType":"zone.update"}\n${long}\n{"eventType":"zone.update"}`,
      `[{"eventType":"zone.update"},${long},{"eventType":"zone.update"}]`,
    ]) {
      const found = await readAll('okta', bytesOf(text));
      expect(found[1]).toMatchObject({ unmapped: 'longer than 16 MiB' });
      expect(found).toHaveLength(3);
    }
  });
});

describe('idempotency keys', () => {
  it('are different for equal lines of one log, and the same for the same log again, packed or not', async () => {
    const first = (await readSample('sshd', 'auth.log')).slice(0, 10);
    const keys = keysOf(first);
    expect(new Set(keys).size).toBe(10);
    const packed = gzipSync(await readFile(sample('auth.log')));
    expect(keysOf((await readAll('sshd', bytesOf(packed))).slice(0, 10))).toEqual(keys);
  });

  it('do not depend on the year that is assumed', async () => {
    const log = await readFile(sample('auth.log'));
    const [one, other] = await Promise.all(
      [2020, 2021].map((year) => readAll('sshd', bytesOf(log), { nowMs: 0, year, zone: fixedZone('Z') })),
    );
    expect(eventOf(one?.[0]).idempotencyKey).toBe(eventOf(other?.[0]).idempotencyKey);
    expect(eventOf(one?.[0]).timestamp).not.toBe(eventOf(other?.[0]).timestamp);
  });

  it('are the same for equal records that carry a unique id of their own', async () => {
    const line = (eventID: string) => JSON.stringify({ eventName: 'GetObject', eventID });
    const unique = '0b8a3e0c-3f4e-4d0a-9a0e-000000000001';
    const keys = keysOf(
      await readAll('cloudtrail', bytesOf([unique, unique, '1', '1'].map(line).join('\n'))),
    );
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[3]);
  });

  it('are the id of the record where it has one, whatever else is in it', async () => {
    const id = '0b8a3e0c-3f4e-4d0a-9a0e-000000000001';
    const records: [Format, object, string][] = [
      ['cloudtrail', { eventName: 'GetObject', eventID: id }, `import:cloudtrail:id:${id}`],
      ['okta', { eventType: 'zone.update', uuid: id.toUpperCase() }, `import:okta:id:${id}`],
      [
        'github',
        { action: 'git.push', _document_id: 'AbCdEfGhIjKlMnOpQrStUv' },
        'import:github:id:AbCdEfGhIjKlMnOpQrStUv',
      ],
      ['ndjson', { event_type: 'data.read', id: 'audit_1' }, 'export:audit_1'],
    ];
    for (const [format, record, key] of records) {
      const more = format === 'ndjson' ? { details: { more: 1 } } : { more: 1 };
      const text = `${JSON.stringify(record)}\n${JSON.stringify({ ...record, ...more })}`;
      expect(keysOf(await readAll(format, bytesOf(text)))).toEqual([key, key]);
    }
  });

  it('do not depend on the form or the order of members, and do depend on the format', async () => {
    const one = await readAll('github', bytesOf('{"action":"git.push","actor":"ada"}'));
    const other = await readAll('github', bytesOf('[\n{"actor": "ada",\n "action": "git.push"}\n]'));
    expect(keysOf(one)).toEqual(keysOf(other));
    const okta = await readAll(
      'okta',
      bytesOf('{"action":"git.push","actor":"ada","eventType":"zone.update"}'),
    );
    const github = await readAll(
      'github',
      bytesOf('{"action":"git.push","actor":"ada","eventType":"zone.update"}'),
    );
    expect(keysOf(okta)).not.toEqual(keysOf(github));
  });
});

describe('sources', () => {
  it('takes the logs of a folder in the order of their paths and names what it passes over', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'audit-log-'));
    try {
      for (const name of ['b.json', 'a.jsonl.gz', 'LICENSE', '.hidden.json'])
        await writeFile(join(folder, name), '');
      const stdin = bytesOf('{}');
      const found = await findSources([folder, '-', join(folder, 'LICENSE')], 'okta', stdin);
      expect(found.sources.map(({ name }) => name)).toEqual([
        join(folder, 'a.jsonl.gz'),
        join(folder, 'b.json'),
        '-',
        join(folder, 'LICENSE'),
      ]);
      expect(found.passedOver).toEqual([join(folder, '.hidden.json'), join(folder, 'LICENSE')]);
      await writeFile(join(folder, 'auth.log.2.gz'), '');
      const logs = await findSources([folder], 'sshd', stdin);
      expect(logs.sources.map(({ name }) => name)).toEqual([join(folder, 'auth.log.2.gz')]);
      await expect(findSources([join(folder, 'none')], 'okta', stdin)).rejects.toThrow('ENOENT');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reads lines that are not UTF-8 with a note', async () => {
    const line = Buffer.from(
      'Feb 12 14:10:21 web1 sshd[1]: Invalid user \xe9ve from 192.0.2.1 port 1\n',
      'latin1',
    );
    const event = eventOf((await readAll('sshd', bytesOf(line)))[0]);
    expect(event.userId).toBe('éve');
    expect(event.details.notes).toEqual(['the source is not valid UTF-8 and was read as ISO 8859-1']);
  });

  it('throws when gzip ends too early', async () => {
    const packed = gzipSync(await readFile(sample('auth.log')));
    await expect(readAll('sshd', bytesOf(packed.subarray(0, packed.length - 20)))).rejects.toThrow(
      'unexpected end',
    );
  });
});
