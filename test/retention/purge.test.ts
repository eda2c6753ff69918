import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type TestService } from '../support/service.ts';

let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  database = await createDatabase();
  service = await startService(database.url, { SEGMENT_BITS: '8' });
});
afterAll(async () => {
  await service.stop();
  await database.drop();
});

test('removes whole segments and the rest, is itself an event, and the feed never skips in silence', async () => {
  const input = Array.from({ length: 700 }, () => ({ eventType: 'SECURITY_ALERT', severity: 'WARNING' }));
  await service.ask('mutation ($input: [LogEventInput!]!) { logEvents(input: $input) { recorded } }', {
    input,
  });
  const list =
    '{ auditEvents(orderBy: POSITION_ASC, first: 1) { totalCount edges { cursor node { position action } } } }';
  const before = await service.ask(list);
  const { cursor } = (before.data as unknown as Listed).auditEvents.edges[0] as { cursor: string };

  // Receipt and purge may share a millisecond: what was recorded in this very one stays.
  while (Date.now() <= (await lastRecordedAt())) await new Promise((resolve) => setImmediate(resolve));
  const { data } = await service.ask('mutation { purgeEvents(olderThanDays: 0) { purged } }');
  expect(data).toEqual({ purgeEvents: { purged: 700 } });
  const after = await service.ask(list);
  expect(after.data).toMatchObject({
    auditEvents: { totalCount: 1, edges: [{ node: { position: 700, action: 'log.purge' } }] },
  });

  const client = service.live();
  const query = 'subscription ($after: String) { auditEvents(after: $after) { node { position } } }';
  const first = async (from: string) =>
    (await client.iterate({ query, variables: { after: from } }).next()).value;
  expect(await first('beginning')).toMatchObject({ data: { auditEvents: { node: { position: 700 } } } });
  await expect(first(cursor)).rejects.toMatchObject([{ extensions: { code: 'POSITION_PURGED' } }]);
  await client.dispose();
});

interface Listed {
  auditEvents: { edges: { cursor: string }[] };
}

async function lastRecordedAt(): Promise<number> {
  const { data } = await service.ask(
    '{ auditEvents(orderBy: POSITION_DESC, first: 1) { edges { node { recordedAt } } } }',
  );
  const { auditEvents } = data as unknown as { auditEvents: { edges: { node: { recordedAt: string } }[] } };
  return Date.parse(auditEvents.edges[0]?.node.recordedAt ?? '');
}
