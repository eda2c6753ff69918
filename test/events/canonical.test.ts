import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  canonicalDraft,
  canonicalEvent,
  canonicalJson,
  canonicalObjects,
} from '../../src/events/canonical.ts';
import type { EventDraft, EventRecord, JsonValue } from '../../src/events/fields.ts';
import { formatTime } from '../../src/events/time.ts';

const json = fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' }).map((value) => value as JsonValue);

test('agrees with the reference library on every value', () => {
  fc.assert(
    fc.property(json, (value) => canonicalJson(value) === canonicalize(value)),
    { numRuns: 2_000 },
  );
});

test('the fixed order of an event is the canonical one', () => {
  const short = fc.string({ unit: 'grapheme' });
  const long = fc
    .tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.integer({ min: 200, max: 6_000 }))
    .map(([piece, length]) => piece.repeat(length).slice(0, length).toWellFormed());
  const text = fc.oneof({ weight: 9, arbitrary: short }, { weight: 1, arbitrary: long });
  const optional = fc.option(text, { nil: undefined });
  const object = fc.dictionary(text, json).map((value) => value as Record<string, JsonValue>);
  const record = fc.record({
    details: object,
    action: text,
    description: text,
    userId: optional,
    customerId: optional,
    ipAddress: optional,
    resourceType: optional,
    newValues: fc.option(object, { nil: undefined }),
  });
  fc.assert(
    fc.property(record, (some) => {
      const event = {
        ...some,
        id: 'audit_0',
        salt: '00',
        timestamp: 0,
        recordedAt: 1,
        eventType: 'auth.login',
        outcome: 'success',
        severity: 'info',
      } as EventRecord;
      expect(String(canonicalEvent(event))).toBe(
        canonicalize({
          id: event.id,
          v: 1,
          salt: event.salt,
          timestamp: formatTime(0),
          recorded_at: formatTime(1),
          event_type: event.eventType,
          outcome: event.outcome,
          severity: event.severity,
          action: event.action,
          description: event.description,
          details: event.details,
          user_id: event.userId,
          customer_id: event.customerId,
          ip_address: event.ipAddress,
          resource_type: event.resourceType,
          new_values: event.newValues,
        }),
      );
    }),
  );
});

test('the fixed order of a draft is the canonical one: a retry a year later has the same content', () => {
  const text = fc.string({ unit: 'grapheme' });
  const object = fc.dictionary(text, json).map((value) => value as Record<string, JsonValue>);
  const optional = {
    action: text,
    description: text,
    details: object,
    outcome: text,
    severity: text,
    eventType: text,
  };
  const draft = fc.record(
    {
      ...optional,
      ...Object.fromEntries(
        ['customerId', 'idempotencyKey', 'ipAddress', 'requestId', 'resourceId', 'resourceType', 'sessionId']
          .concat('userAgent', 'userId')
          .map((field) => [field, text]),
      ),
      newValues: object,
      oldValues: object,
      timestamp: fc.maxSafeInteger(),
    },
    { requiredKeys: Object.keys(optional) as (keyof typeof optional)[] },
  );
  fc.assert(
    fc.property(draft, (some) => {
      const one = some as unknown as EventDraft;
      expect(canonicalDraft(one, canonicalObjects(one))).toBe(canonicalize(some));
    }),
  );
});
