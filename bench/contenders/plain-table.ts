import type { Client } from 'pg';

const SEGMENTS = 16;
const SEGMENT_EVENTS = 2 ** 20;

/**
 * Makes, in a schema of its own, a table with the columns, checks, indexes and segments of the log, but without its
 * triggers, policies and head. Positions come from a sequence, and what only the log computes may be absent.
 */
export async function createPlainTable(client: Client, schema: string): Promise<void> {
  await client.query(`
    CREATE SCHEMA ${schema};
    CREATE SCHEMA ${schema}_segments;
    CREATE SEQUENCE ${schema}.positions MINVALUE 0;
    CREATE TABLE ${schema}.audit_events
      (LIKE public.audit_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)
      PARTITION BY RANGE (position);
    ALTER TABLE ${schema}.audit_events ALTER position SET DEFAULT nextval('${schema}.positions')`);
  for (const column of ['salt', 'leaf_hash', 'search_words', 'recorded_at', 'id']) {
    await client.query(`ALTER TABLE ${schema}.audit_events ALTER ${column} DROP NOT NULL`);
  }
  await client.query(`ALTER TABLE ${schema}.audit_events
    ALTER recorded_at SET DEFAULT now(), ALTER id SET DEFAULT 'audit_' || replace(gen_random_uuid()::text, '-', '')`);
  for (let segment = 0; segment < SEGMENTS; segment += 1) {
    await client.query(`CREATE TABLE ${schema}_segments.s${segment} PARTITION OF ${schema}.audit_events
      FOR VALUES FROM (${segment * SEGMENT_EVENTS}) TO (${(segment + 1) * SEGMENT_EVENTS})`);
  }
}
