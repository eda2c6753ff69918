import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/events/canonical.ts';
import type { JsonObject } from '../../src/events/fields.ts';
import { mapCloudtrail } from '../../src/import/cloudtrail.ts';
import { type SourceFields, toEventInput } from '../../src/import/event-input.ts';
import { parseExactly } from '../../src/import/json-values.ts';
import { fixedZone, parseSourceTime } from '../../src/import/source-time.ts';
import { parseSyslog } from '../../src/import/syslog.ts';

function map(record: JsonObject) {
  const mapped = mapCloudtrail({ eventName: 'GetX', eventTime: '2024-01-01T00:00:00Z', ...record });
  if ('unmapped' in mapped) throw new Error(mapped.unmapped);
  const { details = {}, ...input } = mapped.input;
  return { ...input, details };
}

describe('what the log cannot keep', () => {
  it('shortens long texts, says so, and keeps them whole in the record', () => {
    const userAgent = `${'a'.repeat(1998)}😀${'b'.repeat(100)}`;
    const event = map({ userAgent });
    expect(event.userAgent).toBe(`${'a'.repeat(1998)}…`);
    expect(event.details).toMatchObject({
      record: { userAgent },
      notes: ['userAgent is shortened from 2100 to 2000 characters'],
    });
  });

  it('replaces NUL, lone surrogates and __proto__ with a note instead of losing the event', () => {
    const record = JSON.parse('{"userAgent":"a\\u0000b","x":"\\ud800","__proto__":{"y":1}}') as JsonObject;
    const event = map(record);
    expect(event.userAgent).toBe('a\u2400b');
    expect(event.details).toMatchObject({
      record: { userAgent: 'a\u2400b', x: '\uFFFD', '[__proto__]': { y: 1 } },
    });
    expect(event.details.notes).toHaveLength(2);
  });

  it('leaves the largest members out of a record that is too large, and says which it was', () => {
    const event = map({ requestParameters: { text: 'x'.repeat(300_000) }, small: 'kept' });
    expect(event.details).toMatchObject({
      record: { small: 'kept', requestParameters: '[left out by the import: 300011 bytes of JSON]' },
    });
    expect(JSON.stringify(event.details.notes)).toMatch(/SHA-256 [0-9a-f]{64}/);
  });

  it('keeps what lies too deep as JSON text', () => {
    let deep: JsonObject = { bottom: true };
    for (let level = 0; level < 50; level++) deep = { deep };
    expect(JSON.stringify(map({ requestParameters: deep }).details)).toContain('{\\"bottom\\":true}');
  });

  it('fits every record into an event of the log', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 40 })),
        fc.nat(40_000),
        (extra, size) => {
          const event = map({
            ...(extra as JsonObject),
            userAgent: 'é'.repeat(size),
            list: Array(size).fill(1),
          });
          expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(65_000);
          expect(JSON.stringify(event).isWellFormed()).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });
});

const DRAFT: SourceFields = {
  eventType: 'DATA_READ',
  outcome: 'SUCCESS',
  severity: 'INFO',
  action: 'read',
  description: '',
  details: {},
};

describe('addresses', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:201', '192.0.2.1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['192.0.2.1:443', '192.0.2.1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[::ffff:192.0.2.1]', '192.0.2.1'],
    ['010.1.2.3', undefined],
    ['fe80::1%eth0', undefined],
    ['AWS Internal', undefined],
    ['s3.amazonaws.com', undefined],
  ])('%s is %s', (text, address) =>
    expect(toEventInput({ ...DRAFT, address: text }).ipAddress).toBe(address),
  );
});

describe('times', () => {
  it.each([
    ['2024-03-01T08:00:00Z', '2024-03-01T08:00:00.000Z'],
    ['2024-03-01 08:00:00.123456789', '2024-03-01T08:00:00.123Z'],
    ['2024-12-17 00:00:00000000', '2024-12-17T00:00:00.000Z'],
    ['2024-03-01T08:00:00+0530', '2024-03-01T02:30:00.000Z'],
    [1_709_283_600_123, '2024-03-01T09:00:00.123Z'],
    ['1709283600', '2024-03-01T09:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2016-12-31 15:59:60.25 -08:00', '2017-01-01T00:00:00.250Z'],
    ['2016-12-31T23:58:60Z', undefined],
    ['2024-02-30T00:00:00Z', undefined],
    ['2024-01-01T24:00:00Z', undefined],
    ['redacted', undefined],
    [null, undefined],
  ])('%s is %s', (value, time) => expect(parseSourceTime(value)).toBe(time));

  it('puts a syslog date into the last year in which it is past, leap days included', () => {
    const at = (line: string, year?: number) =>
      parseSyslog(line, { nowMs: Date.UTC(2027, 0, 2, 12), year, zone: fixedZone('+02:00') })?.time;
    expect(at('Jan  2 10:00:00 h sshd[1]: x')).toBe('2027-01-02T08:00:00.000Z');
    expect(at('Dec 31 23:59:59 h sshd[1]: x')).toBe('2026-12-31T21:59:59.000Z');
    expect(at('Jan  3 10:00:00 h sshd[1]: x')).toBe('2027-01-03T08:00:00.000Z');
    expect(at('Jan  5 10:00:00 h sshd[1]: x')).toBe('2026-01-05T08:00:00.000Z');
    expect(at('Feb 29 10:00:00 h sshd[1]: x')).toBe('2024-02-29T08:00:00.000Z');
    expect(at('Feb 29 10:00:00 h sshd[1]: x', 2020)).toBe('2020-02-29T08:00:00.000Z');
    expect(at('Feb 29 10:00:00 h sshd[1]: x', 2021)).toBeUndefined();
  });
});

describe('JSON', () => {
  it('reads what JSON.parse reads, except for numbers that it would change', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const exact = (_: string, inner: unknown) =>
          Number.isInteger(inner) && !Number.isSafeInteger(inner) ? JSON.stringify(inner) : inner;
        expect(parseExactly(text).value).toEqual(JSON.parse(text, exact));
      }),
    );
    expect(parseExactly('{"n":12345678901234567890,"s":"12345678901234567890","x":1e400}')).toEqual({
      value: { n: '12345678901234567890', s: '12345678901234567890', x: '1e400' },
      keptAsText: 'n',
    });
    expect(parseExactly('[{"a.b":[0.1,1.10,98765432109.12345678,1E-400]},"1.23456789012345678"]')).toEqual({
      value: [{ 'a.b': [0.1, 1.1, '98765432109.12345678', '1E-400'] }, '1.23456789012345678'],
      keptAsText: '[0].a.b[2]',
    });
  });

  it('gives equal texts for equal values, whatever the order of their members', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).toBe(
      '{"a":true,"b":[1,{"c":"x","d":null}]}',
    );
  });
});
