import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

// A page of events over bare HTTP: one statement through `pg`, and the JSON put together by hand.
const COLUMNS = `position, id, "timestamp", event_type, outcome, severity, user_id, customer_id,
  host(ip_address) AS ip_address, resource_type, resource_id, action, description, details::text AS details`;

interface RawRow {
  position: string;
  id: string;
  timestamp: Date;
  event_type: string;
  outcome: string;
  severity: string;
  user_id: string | null;
  customer_id: string | null;
  ip_address: string | null;
  resource_type: string | null;
  resource_id: string | null;
  action: string;
  description: string;
  details: string;
}

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', async () => {
    const { customerId, first } = JSON.parse(Buffer.concat(chunks).toString()) as {
      customerId: string;
      first: number;
    };
    const { rows } = await pool.query<RawRow>({
      name: 'page',
      text: `SELECT ${COLUMNS} FROM audit_events WHERE customer_id = $1 ORDER BY "timestamp" DESC, position DESC LIMIT $2`,
      values: [customerId, first],
    });
    const body = Buffer.from(`{"data":{"auditEvents":{"edges":[${rows.map(edgeOf).join(',')}]}}}`);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listens at http://127.0.0.1:${port}/\n`);
});
process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await pool.end();
});

const quoted = (text: string | null) => (text === null ? 'null' : JSON.stringify(text));

function edgeOf(row: RawRow): string {
  return (
    `{"cursor":"${row.position}","node":{"id":"${row.id}","position":${row.position},` +
    `"timestamp":"${row.timestamp.toISOString()}","eventType":"${row.event_type}","outcome":"${row.outcome}",` +
    `"severity":"${row.severity}","userId":${quoted(row.user_id)},"customerId":${quoted(row.customer_id)},` +
    `"ipAddress":${quoted(row.ip_address)},"resourceType":${quoted(row.resource_type)},` +
    `"resourceId":${quoted(row.resource_id)},"action":${quoted(row.action)},` +
    `"description":${quoted(row.description)},"details":${row.details}}}`
  );
}
