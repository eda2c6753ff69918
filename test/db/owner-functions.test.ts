import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { onServer, urlOf } from '../support/server.ts';
import { startService } from '../support/service.ts';

const PATH = ['search_path=pg_catalog, pg_temp'];

let database: TestDatabase;
let owner: Pool;
let login: string;
let url: string;

beforeAll(async () => {
  database = await createDatabase();
  const service = await startService(database.url, { SEGMENT_BITS: '8' });
  const event = '{ eventType: DATA_READ, customerId: "acme", idempotencyKey: "k" }';
  await service.ask(`mutation { logEvent(input: ${event}) { status } }`);
  await service.ask('{ checkpoint { note } }');
  await service.stop();
  owner = createPool(database.url, () => undefined);
  login = `login_${new URL(database.url).pathname.slice(1)}`;
  await onServer(
    database.url,
    `CREATE ROLE ${login} LOGIN PASSWORD 'secret'; GRANT audit_log_service TO ${login}`,
  );
  const parts = new URL(urlOf(database.url, new URL(database.url).pathname.slice(1)));
  parts.username = login;
  parts.password = 'secret';
  url = parts.href;
});
afterAll(async () => {
  await owner.end();
  const server = urlOf(database.url, 'postgres');
  await database.drop();
  await onServer(server, `DROP ROLE ${login}`);
});

interface Function {
  name: string;
  is_definer: boolean;
  is_owners: boolean;
  settings: string[] | null;
  grantees: string[];
}

// What may be called by whom, by name: a function that is added has to be added here as well.
const EXECUTABLE: Record<string, string[]> = {
  add_cosignature: ['audit_log_service'],
  analyze_segment: ['audit_log_service'],
  can_end_silent_holders: ['audit_log_service'],
  claim_head: ['audit_log_service'],
  count_events: ['audit_log_service'],
  end_silent_holders: ['audit_log_service'],
  ensure_segment: ['audit_log_service'],
  frontier_bytes: ['audit_log_service'],
  keep_keys: ['audit_log_service'],
  mark_key_used: ['audit_log_service'],
  merge_search: ['audit_log_service'],
  renew_timestamp: ['audit_log_service'],
  root_of: ['audit_log_service'],
};

async function functions(): Promise<Function[]> {
  const { rows } = await owner.query<Function>(
    `SELECT proname AS name, prosecdef AS is_definer, proconfig AS settings,
       proowner = (SELECT relowner FROM pg_class WHERE oid = 'log_head'::regclass) AS is_owners,
       ARRAY(SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END
         FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee <> proowner ORDER BY 1) AS grantees
     FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'audit_segments'::regnamespace) ORDER BY proname`,
  );
  return rows;
}

test('every function has a search_path in which nobody but the owner can make things', async () => {
  const found = await functions();
  expect(found.length).toBeGreaterThan(15);
  for (const { name, settings, is_owners } of found) {
    expect([name, (settings ?? []).filter((one) => one.startsWith('search_path'))]).toEqual([name, PATH]);
    expect([name, is_owners]).toEqual([name, true]);
  }
});

test('every function can be executed by those alone who need it', async () => {
  for (const { name, grantees } of await functions())
    expect([name, grantees]).toEqual([name, EXECUTABLE[name] ?? []]);
});

test('a function that is made later has PUBLIC locked out by default', async () => {
  const client = await owner.connect();
  try {
    await client.query('BEGIN');
    await client.query(
      'CREATE FUNCTION later() RETURNS void LANGUAGE sql AS $$ $$; CREATE TABLE later (n integer)',
    );
    const { rows } = await client.query(
      `SELECT has_function_privilege('audit_log_service', 'later()', 'EXECUTE') AS execute,
         has_table_privilege('audit_log_service', 'later', 'SELECT, INSERT, UPDATE') AS touch`,
    );
    expect(rows).toEqual([{ execute: false, touch: false }]);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

describe('a login with nothing but GRANT audit_log_service', () => {
  let client: pg.Client;

  // In this database everybody may make temporary tables, and on PostgreSQL 14 things in `public`: the worst case.
  beforeAll(async () => {
    const { pathname } = new URL(database.url);
    await owner.query(`GRANT TEMPORARY ON DATABASE ${pathname.slice(1)} TO PUBLIC`);
    await owner.query('GRANT CREATE ON SCHEMA public TO PUBLIC');
  });
  beforeEach(async () => {
    client = new pg.Client({ connectionString: url });
    await client.connect();
  });
  afterEach(async () => {
    await client.end();
    await owner.query("DELETE FROM api_keys WHERE id LIKE 'planted%'");
  });
  afterAll(() => owner.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC'));

  // What every function of the owner that can be reached is asked to do; what becomes of it does not matter here.
  const CALLS = [
    'INSERT INTO audit_segments.s00000000 SELECT * FROM audit_segments_none',
    "SELECT public.keep_keys(ARRAY['acme'], ARRAY['x'], ARRAY[sha256('x')], ARRAY[0::bigint])",
    'SELECT public.ensure_segment(1::bigint, 8::smallint)',
    'SELECT public.analyze_segment(0)',
    'SELECT public.merge_search(0, 0)',
    'SELECT public.count_events(1, 256, 0)',
    "SELECT public.mark_key_used('admin')",
    "SELECT public.claim_head(1, '1 2 x x')",
    "SELECT public.renew_timestamp(2, E'\\u2014 x AAAA\\n')",
    "SELECT public.add_cosignature(2, E'\\u2014 x AAAA\\n', 'x')",
    `INSERT INTO public.checkpoints (tree, tree_size, log_size, root_hash, note)
       VALUES ('log', 1, 1, sha256('x'), 'x')`,
  ];

  async function callAll(): Promise<void> {
    await client.query('CREATE TEMPORARY TABLE audit_segments_none (LIKE public.audit_events)');
    for (const sql of CALLS) {
      for (const before of ['', "SELECT set_config('audit_log.next', '0 1 \\x \\x marked', false)"]) {
        if (before) await client.query(before);
        await client
          .query(sql.replace('audit_segments_none', 'pg_temp.audit_segments_none'))
          .catch(() => undefined);
      }
    }
  }

  async function expectNothingDone(): Promise<void> {
    const { rows } = await owner.query(
      `SELECT (SELECT count(*) FROM api_keys WHERE id LIKE 'planted%') AS keys,
         (SELECT count(*) FROM audit_events) AS events`,
    );
    expect(rows).toEqual([{ keys: 0, events: 1 }]);
  }

  // Makes an admin's key, which only the owner may.
  const PAYLOAD = `
    INSERT INTO public.api_keys (id, name, secret_hash, scopes)
      VALUES ('planted' || gen_random_uuid(), 'planted', sha256(gen_random_uuid()::text::bytea), '{admin}');`;
  const QUIETLY = `BEGIN ${PAYLOAD} EXCEPTION WHEN OTHERS THEN NULL; END;`;

  test('temporary tables with triggers, in place of the tables that the functions use', async () => {
    await client.query(
      `CREATE FUNCTION pg_temp.payload() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${QUIETLY} RETURN NEW; END $$`,
    );
    for (const table of [
      'log_head',
      'audit_events',
      'idempotency_keys',
      'evidence_counts',
      'summary_scopes',
      'summary_counts',
      'api_keys',
      'cosignatures',
      'checkpoints',
      'trees',
      'log_identity',
    ]) {
      await client.query(`CREATE TEMPORARY TABLE ${table} (LIKE public.${table} INCLUDING ALL)`);
      await client.query(
        `CREATE TRIGGER payload BEFORE INSERT OR UPDATE ON pg_temp.${table} FOR EACH ROW EXECUTE FUNCTION pg_temp.payload()`,
      );
      await client.query(`GRANT ALL ON pg_temp.${table} TO PUBLIC`);
    }
    await client
      .query(
        "INSERT INTO pg_temp.log_head (size, root_hash, frontier, first_position, segment_bits) VALUES (0, '', '', 0, 8)",
      )
      .catch(() => undefined);
    await client
      .query('INSERT INTO pg_temp.audit_events SELECT * FROM public.audit_events WHERE position = 0')
      .catch(() => undefined);
    await callAll();
    await expectNothingDone();
  });

  test('temporary views over functions, in place of the tables that the functions read', async () => {
    await client.query(
      `CREATE FUNCTION pg_temp.payload() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN ${QUIETLY} RETURN 1; END $$`,
    );
    await client.query(
      `CREATE TEMPORARY VIEW log_head AS SELECT true AS singleton, pg_temp.payload() AS size, ''::bytea AS root_hash,
         ''::bytea AS frontier, 0::bigint AS first_position, 8::smallint AS segment_bits`,
    );
    await client.query('CREATE TEMPORARY VIEW audit_events AS SELECT pg_temp.payload() AS position');
    await client.query(
      "CREATE TEMPORARY VIEW pg_class AS SELECT pg_temp.payload()::oid AS oid, 's00000001'::name AS relname",
    );
    await client.query('GRANT SELECT ON pg_temp.log_head, pg_temp.audit_events, pg_temp.pg_class TO PUBLIC');
    await callAll();
    await expectNothingDone();
  });

  test('operators and functions in public that fit the arguments better than those of PostgreSQL', async () => {
    const planted = new pg.Client({ connectionString: url });
    await planted.connect();
    try {
      await planted.query(
        `CREATE FUNCTION public.shift_left(bigint, smallint) RETURNS bigint LANGUAGE plpgsql AS
           $$ BEGIN ${QUIETLY} RETURN pg_catalog.int8shl($1, $2::integer); END $$;
         CREATE FUNCTION public.shift_right(bigint, smallint) RETURNS bigint LANGUAGE plpgsql AS
           $$ BEGIN ${QUIETLY} RETURN pg_catalog.int8shr($1, $2::integer); END $$;
         CREATE OPERATOR public.<< (LEFTARG = bigint, RIGHTARG = smallint, FUNCTION = public.shift_left);
         CREATE OPERATOR public.>> (LEFTARG = bigint, RIGHTARG = smallint, FUNCTION = public.shift_right);`,
      );
      const { rows } = await owner.query(
        "SELECT count(*) AS made FROM pg_operator WHERE oprnamespace = 'public'::regnamespace",
      );
      expect(rows[0]?.made).toBe(2);
      await callAll();
      await owner.query('DROP TABLE IF EXISTS audit_segments.s00000001');
      await client.query('SELECT public.ensure_segment(1::bigint, 8::smallint)');
      await client.query('SELECT public.analyze_segment(0)');
      await expectNothingDone();
    } finally {
      await planted.end();
      await owner.query(`DROP OWNED BY ${login}; GRANT audit_log_service TO ${login}`);
    }
  });
});

test('nobody but the owner may make temporary tables, or anything in the schema of the log', async () => {
  // Databases are made from a template, whose own privileges do not come with it: this one is migrated itself.
  const name = `fresh_${new URL(database.url).pathname.slice(1)}`;
  const server = urlOf(database.url, 'postgres');
  await onServer(server, `CREATE DATABASE ${name} TEMPLATE template0`);
  try {
    const fresh = await startService(urlOf(database.url, name));
    await fresh.stop();
    const pool = createPool(urlOf(database.url, name), () => undefined);
    const { rows } = await pool.query(
      `SELECT has_database_privilege('audit_log_service', current_database(), 'TEMPORARY') AS temporary,
         has_schema_privilege('audit_log_service', 'public', 'CREATE') AS make`,
    );
    await pool.end();
    expect(rows).toEqual([{ temporary: false, make: false }]);
  } finally {
    await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
  }
});
