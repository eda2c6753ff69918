import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/graphql-client.ts';
import type { Format } from '../../src/import/formats.ts';
import { summaryOf } from '../../src/import/report.ts';
import { type ImportOptions, runImport } from '../../src/import/run.ts';
import { namedZone } from '../../src/import/source-time.ts';
import type { ImportSource } from '../../src/import/sources.ts';
import { failure, KEY, type LogServer, startLogServer } from '../cli/log-server.ts';
import { bytesOf, CLOCK } from './read.ts';

let log: LogServer;
beforeEach(async () => {
  log = await startLogServer();
});
afterEach(() => log.close());

function source(name: string, text: string): ImportSource {
  return { name, bytes: text.length, open: () => bytesOf(text) };
}

function importAll(sources: ImportSource[], options: Partial<ImportOptions> & { format?: Format } = {}) {
  return runImport(sources, {
    format: 'ndjson',
    clock: CLOCK,
    client: createClient({ url: log.url, key: KEY, retryBaseMs: 1, attempts: 3 }),
    stop: new AbortController().signal,
    progress: { bytes: () => undefined, records: () => undefined },
    ...options,
  });
}

const lines = (count: number, more: (index: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify({ eventType: 'DATA_READ', resourceId: String(index), ...more(index) }),
  ).join('\n');

describe('an import', () => {
  it('records everything in the order of the inputs, in batches, and nothing the second time', async () => {
    const sources = [
      source('a', lines(1200)),
      source(
        'b',
        lines(3, () => ({ userId: 'b' })),
      ),
    ];
    const first = await importAll(sources);
    expect(first.stoppedBy).toBeUndefined();
    expect(first.counts.files.get('a')).toMatchObject({ read: 1200, recorded: 1200 });
    expect(first.counts.files.get('b')).toMatchObject({ read: 3, recorded: 3 });
    expect(log.batches.map((batch) => batch.length)).toEqual([500, 500, 203]);
    const expected = [...Array(1200).keys(), 0, 1, 2].map(String);
    expect(log.events.map(({ resourceId }) => resourceId)).toEqual(expected);
    const second = await importAll([source('renamed', lines(1200))]);
    expect(second.counts.files.get('renamed')).toMatchObject({ recorded: 0, duplicates: 1200 });
    expect(log.events).toHaveLength(1203);
  });

  it('says of which local times it had to decide, and how', async () => {
    const zone = namedZone('Europe/Berlin');
    const clock = { ...CLOCK, nowMs: Date.UTC(2024, 11), zone, zoneNamed: true };
    const at = (time: string) => `${time} h sshd[7]: Failed password for root from 192.0.2.7 port 5 ssh2`;
    const times = [
      'Oct 27 01:59:59',
      'Oct 27 02:30:00',
      'Oct 27 02:59:59',
      'Oct 27 03:00:00',
      'Mar 31 02:30:00',
    ];
    const { counts: tally } = await importAll([source('a', times.map(at).join('\n'))], {
      format: 'sshd',
      clock,
    });
    const summary = summaryOf(tally, 1);
    expect(summary).toContain(
      'time: a: the local time occurs twice in Europe/Berlin, as the clocks are set back: its first occurrence is taken: 2 records (lines 2, 3)',
    );
    expect(summary).toContain('time: a:5: the local time does not occur in Europe/Berlin');
  });

  it("keeps another log's events about itself under another resource type, and says so", async () => {
    const own = (type: string, index: number) =>
      JSON.stringify({ event_type: 'data.delete', resource_type: type, id: `audit_${index}` });
    const types = ['audit_log', 'audit_log.api_key', 'audit_log', 'file'];
    const { counts: tally } = await importAll([source('a', types.map(own).join('\n'))]);
    expect(log.events.map(({ resourceType }) => resourceType)).toEqual([
      'imported_audit_log',
      'imported_audit_log.api_key',
      'imported_audit_log',
      'file',
    ]);
    expect(tally.complete).toBe(true);
    const summary = summaryOf(tally, 1);
    expect(summary).toContain(
      'resource type reserved for the log\'s own events: a: "audit_log" became "imported_audit_log": 2 records (lines 1, 3)',
    );
    expect(summary).toContain('a:2: "audit_log.api_key" became "imported_audit_log.api_key"');
  });

  it('bounds a batch in bytes', async () => {
    await importAll([
      source(
        'a',
        lines(100, () => ({ details: { text: 'x'.repeat(50_000) } })),
      ),
    ]);
    expect(log.events).toHaveLength(100);
    for (const batch of log.batches) expect(JSON.stringify(batch).length).toBeLessThan(2_100_000);
    expect(log.batches.length).toBeGreaterThan(2);
  });

  it('counts what is filtered, unmapped and unreadable', async () => {
    const text = `${lines(2)}\n{"eventType":"DATA_READ","userId":"filtered"}\n{"x":1}\nnonsense`;
    const broken: ImportSource = {
      name: 'broken',
      bytes: 1,
      open: async function* () {
        yield Buffer.from('{"eventType":"DATA_READ"}\n');
        throw new Error('disk on fire');
      },
    };
    const { counts: tally } = await importAll([broken, source('a', text)]);
    expect(tally.complete).toBe(false);
    expect(tally.files.get('broken')).toMatchObject({ failure: 'disk on fire' });
    expect(tally.files.get('a')).toMatchObject({ read: 5, recorded: 2, filtered: 1, unmapped: 2 });
    const summary = summaryOf(tally, 1);
    expect(summary).toContain('failed: broken: disk on fire');
    expect(summary).toContain('unmapped: a:4: unknown member: x');
    expect(summary).toContain('unmapped: a:5: not well-formed JSON');
  });

  it('replaces the customer when asked to, and keeps what the source said', async () => {
    await importAll([source('a', '{"eventType":"DATA_READ","customerId":"src"}')], { customerId: 'me' });
    expect(log.events[0]).toMatchObject({ customerId: 'me', details: { sourceCustomerId: 'src' } });
  });
});

describe('refusals', () => {
  it('of single events are shown with file and line, and the rest of the batch is recorded in order', async () => {
    log.judge = (batch) => {
      const index = batch.findIndex(({ ipAddress }) => ipAddress === 'bad');
      const path = `input[${index}].ipAddress`;
      return index < 0
        ? []
        : [{ message: `${path}: must be an address`, extensions: { code: 'BAD_USER_INPUT', path } }];
    };
    const bad = (index: number) => ([17, 301].includes(index) ? { ipAddress: 'bad' } : {});
    const { counts: tally } = await importAll([source('a', lines(400, bad))]);
    expect(tally.files.get('a')).toMatchObject({ recorded: 398, rejected: 2 });
    expect(summaryOf(tally, 1)).toContain(
      'rejected: a: ipAddress: must be an address (BAD_USER_INPUT): 2 records (lines 18, 302)',
    );
    expect(log.events.map(({ resourceId }) => Number(resourceId))).toEqual(
      [...Array(400).keys()].filter((index) => index !== 17 && index !== 301),
    );
  });

  it('of an enum value by the GraphQL layer, which names the place in its message only', async () => {
    log.judge = (batch) =>
      batch.flatMap(({ eventType }, index) =>
        eventType === 'DATA_READ'
          ? []
          : [
              {
                message: `Variable "$input" got invalid value "${eventType}" at "input[${index}].eventType"; no such type.`,
                extensions: { code: 'BAD_USER_INPUT' },
              },
            ],
      );
    const odd = (index: number) => (index % 10 === 0 ? { eventType: 'x.y' } : {});
    const { counts: tally } = await importAll([source('a', lines(100, odd))]);
    expect(tally.files.get('a')).toMatchObject({ recorded: 90, rejected: 10 });
    expect(log.batches).toHaveLength(1);
  });

  it.each(['CONFLICT', 'BAD_USER_INPUT', 'PAYLOAD_TOO_LARGE'])(
    'with code %s and without a place are found by halving',
    async (code) => {
      log.judge = (batch) =>
        batch.some(({ resourceId }) => resourceId === '7') ? [{ message: 'no', extensions: { code } }] : [];
      const { counts: tally } = await importAll([source('a', lines(20))]);
      expect(tally.files.get('a')).toMatchObject({ recorded: 19, rejected: 1 });
      expect([...(tally.files.get('a')?.rejectedReasons.values() ?? [])]).toEqual([{ count: 1, lines: [8] }]);
      expect(log.events.map(({ resourceId }) => Number(resourceId))).toEqual(
        [...Array(20).keys()].filter((index) => index !== 7),
      );
    },
  );

  it('of a redelivered record with other content count it as a duplicate that is reported', async () => {
    const known = new Set<string>();
    log.judge = (batch) => {
      const used = batch.flatMap(({ idempotencyKey = '' }, index) => {
        const path = `input[${index}].idempotencyKey`;
        return known.has(idempotencyKey)
          ? [{ message: `${path}: was used`, extensions: { code: 'CONFLICT', path } }]
          : [];
      });
      if (used.length > 0) return used.slice(0, 100);
      for (const { idempotencyKey = '' } of batch) known.add(idempotencyKey);
      return [];
    };
    const records = (more: object) =>
      Array.from({ length: 300 }, (_, index) =>
        JSON.stringify({ action: 'git.push', _document_id: `AbCdEfGhIjKlMnOpQr${1000 + index}`, ...more }),
      ).join('\n');
    await importAll([source('a', records({}))], { format: 'github' });
    const { counts: tally } = await importAll([source('b', records({ more: 1 }))], { format: 'github' });
    expect(tally.files.get('b')).toMatchObject({ read: 300, recorded: 0, duplicates: 300, rejected: 0 });
    expect(tally.complete).toBe(true);
    expect(summaryOf(tally, 1)).toContain(
      'duplicate: b: the source delivered the same id before with other content: 300 records (lines 1, 2,',
    );
    expect(log.events).toHaveLength(300);
  });

  it('halve a request that is too large for the server', async () => {
    log.instead = [{ status: 413, body: 'too large' }];
    const { counts: tally } = await importAll([source('a', lines(10))]);
    expect(tally.files.get('a')).toMatchObject({ recorded: 10 });
    expect(log.batches.map((batch) => batch.length)).toEqual([5, 5]);
  });

  it('of the key stop the import, and running it again completes it', async () => {
    log.instead = [failure('OVERLOADED', 'busy')];
    let batches = 0;
    log.judge = () =>
      ++batches === 2 ? [{ message: 'revoked', extensions: { code: 'UNAUTHENTICATED' } }] : [];
    const first = await importAll([source('a', lines(1200))]);
    expect(first.stoppedBy?.message).toContain('is AUDIT_LOG_KEY right?');
    expect(first.counts.files.get('a')).toMatchObject({ recorded: 500 });
    expect(summaryOf(first.counts, 1)).toMatch(/not sent, or without an answer: \d+ events/);
    const second = await importAll([source('a', lines(1200))]);
    expect(second.counts.files.get('a')).toMatchObject({ recorded: 700, duplicates: 500 });
  });

  it('stops in order when it is told to', async () => {
    const stop = new AbortController();
    const progress = {
      bytes: () => undefined,
      records: (tally: { sum(count: 'read'): number }) => {
        if (tally.sum('read') === 700) stop.abort();
      },
    };
    const { counts: tally, stoppedBy } = await importAll([source('a', lines(1200))], {
      stop: stop.signal,
      progress,
    });
    expect(stoppedBy?.message).toBe('interrupted');
    expect(tally.files.get('a')).toMatchObject({ read: 700, recorded: 700 });
  });
});
