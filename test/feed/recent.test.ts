import { describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/events/fields.ts';
import { memoryBytesOf } from '../../src/events/json.ts';
import { RecentEvents } from '../../src/feed/tail.ts';
import { upTo } from '../support/write.ts';

function eventAt(position: number, text = ''): AuditEvent {
  return {
    position,
    id: `audit_${position}`,
    salt: '',
    leafHash: Buffer.alloc(32),
    timestamp: 0,
    recordedAt: 0,
    eventType: 'data.read',
    outcome: 'success',
    severity: 'info',
    action: 'read',
    description: text,
    details: { list: [text, 1, null] },
  };
}

const kept = (recent: RecentEvents) => upTo(recent.end).filter((position) => recent.at(position));

describe('the events in memory', () => {
  test('are the newest, up to a number', () => {
    const recent = new RecentEvents(3, { events: 4, bytes: 1e9 });
    recent.add(
      [3, 4, 5].map((n) => eventAt(n)),
      6,
    );
    recent.add(
      [6, 7].map((n) => eventAt(n)),
      8,
    );
    expect(kept(recent)).toEqual([4, 5, 6, 7]);
    expect(recent.at(7)?.id).toBe('audit_7');
  });

  test('take no more than their share of memory, whatever their size', () => {
    const text = 'x'.repeat(1_000);
    const bytes = memoryBytesOf(eventAt(10, text));
    expect(bytes).toBeGreaterThan(4_000);
    const recent = new RecentEvents(0, { events: 1_000, bytes: 5 * bytes });
    for (const n of upTo(50)) recent.add([eventAt(n, text)], n + 1);
    expect(kept(recent)).toEqual([45, 46, 47, 48, 49]);
    recent.add([eventAt(50, 'x'.repeat(100_000))], 51);
    expect(kept(recent)).toEqual([]);
    recent.add([eventAt(51)], 52);
    expect(kept(recent)).toEqual([51]);
  });

  test('have no gap: behind one that was purged before it was read, all that are older are let go', () => {
    const recent = new RecentEvents(0, { events: 10, bytes: 1e9 });
    recent.add(
      [0, 1].map((n) => eventAt(n)),
      2,
    );
    recent.add([eventAt(3)], 4);
    expect(kept(recent)).toEqual([]);
    recent.add(
      [4, 5].map((n) => eventAt(n)),
      6,
    );
    recent.forgetBefore(5);
    expect(kept(recent)).toEqual([5]);
    recent.forgetBefore(100);
    expect(recent.end).toBe(6);
    expect(kept(recent)).toEqual([]);
  });
});
