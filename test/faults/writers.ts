import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { graphql } from '../support/operations/generated/gql.ts';
import type { LogKeyedMutation } from '../support/operations/generated/graphql.ts';
import { ADMIN_KEY, type Answer, post } from '../support/service.ts';
import { upTo } from '../support/write.ts';

const LOG_KEYED = graphql(`
  mutation LogKeyed($input: [LogEventInput!]!) {
    logEvents(input: $input) {
      results { status event { id position } }
    }
  }
`);

const MOST_EVENTS = 120;
const PAUSE_MS = 20;
const TRY_AGAIN = ['UNAVAILABLE', 'OVERLOADED', 'TIMEOUT'];

/** Where an acknowledged event is. */
interface Place {
  id: string;
  position: number;
}

/** Writers that send batches until they are stopped, each batch again and again until it is acknowledged. */
export interface Writers {
  /** Every acknowledged event by its idempotency key. */
  acknowledged: Map<string, Place>;
  /** How many requests were refused with a code, or failed without an answer (`no answer`). */
  refusals: Map<string, number>;
  /** Resolves when the next batch is acknowledged. */
  nextAnswer(): Promise<void>;
  /** Resolves when every writer has finished its last batch; throws what a writer saw that must not be. */
  stop(): Promise<void>;
}

/**
 * Starts writers of batches of random size to the URLs, which they choose at random for each attempt. A batch that is
 * refused, or stays without an answer, goes again with the same keys, as docs say a client should do.
 */
export function startWriters(count: number, urls: () => readonly string[], name = 'writer'): Writers {
  const acknowledged = new Map<string, Place>();
  const refusals = new Map<string, number>();
  let waiting: (() => void)[] = [];
  let isStopping = false;

  async function write(writer: number): Promise<void> {
    for (let batch = 0; !isStopping; batch += 1) {
      const keys = upTo(1 + Math.floor(Math.random() * MOST_EVENTS)).map(
        (n) => `${name}/${writer}/${batch}/${n}`,
      );
      const results = await untilAnswered(keys);
      keys.forEach((key, n) => {
        const event = results[n]?.event;
        if (!event) throw new Error(`no event was returned for ${key}`);
        acknowledged.set(key, { id: event.id, position: event.position });
      });
      for (const resolve of waiting) resolve();
      waiting = [];
    }
  }

  async function untilAnswered(keys: readonly string[]): Promise<LogKeyedMutation['logEvents']['results']> {
    const input = keys.map((key) => ({
      eventType: 'DATA_UPDATE',
      action: 'fault.write',
      idempotencyKey: key,
      requestId: key,
    }));
    const body = JSON.stringify({ query: `${LOG_KEYED}`, variables: { input } });
    for (;;) {
      const all = urls();
      const url = all[Math.floor(Math.random() * all.length)] ?? '';
      const answer: Answer<LogKeyedMutation> | undefined = await post<LogKeyedMutation>(
        url,
        body,
        ADMIN_KEY,
      ).catch(() => undefined);
      if (answer?.data) return answer.data.logEvents.results;
      const code = answer === undefined ? 'no answer' : String(answer.errors?.[0]?.extensions.code);
      refusals.set(code, (refusals.get(code) ?? 0) + 1);
      if (answer && !TRY_AGAIN.includes(code)) throw new Error(`refused: ${JSON.stringify(answer)}`);
      await setTimeout(PAUSE_MS);
    }
  }

  const done = Promise.all(upTo(count).map(write));
  // What a writer must not see is thrown by stop().
  done.catch(() => undefined);
  return {
    acknowledged,
    refusals,
    nextAnswer: () =>
      Promise.race([new Promise<void>((resolve) => waiting.push(resolve)), done.then(() => undefined)]),
    stop: async () => {
      isStopping = true;
      await done;
    },
  };
}

/** Compares the log with what was acknowledged: nothing lost, nothing moved, nothing doubled, no position skipped. */
export async function expectWritten(databaseUrl: string, { acknowledged }: Writers): Promise<void> {
  const pool = createPool(databaseUrl, () => undefined, { max: 1 });
  try {
    const { rows: keys } = await pool.query<Place & { key: string }>(
      "SELECT request_id AS key, id, position FROM audit_events WHERE action = 'fault.write'",
    );
    const stored = new Map(keys.map(({ key, id, position }) => [key, { id, position }]));
    expect(stored.size, 'no key is stored twice').toBe(keys.length);
    const lost = [...acknowledged.keys()].filter((key) => !stored.has(key));
    expect(lost, 'acknowledged events that are not in the log').toEqual([]);
    const moved = [...acknowledged].filter(
      ([key, { id, position }]) => stored.get(key)?.id !== id || stored.get(key)?.position !== position,
    );
    expect(moved, 'acknowledged events that are elsewhere').toEqual([]);
    const { rows } = await pool.query(
      `SELECT count(*) AS events, count(DISTINCT position) AS positions, min(position) AS first, max(position) + 1 AS size,
         (SELECT size FROM log_head) AS head FROM audit_events`,
    );
    const { events, positions, first, size, head } = rows[0];
    expect({ events, positions, first, size }).toEqual({
      events: head,
      positions: head,
      first: 0,
      size: head,
    });
  } finally {
    await pool.end();
  }
}
