// A shop that records what happens in it, and shows its audit log below /audit.
//
//   AUDIT_ADMIN_KEY=a-secret-of-32-characters-or-more node server.js
import { createServer } from 'node:http';
import express from 'express';
import { createAuditLog } from 'graphql-audit-log';

const log = await createAuditLog({
  databaseUrl: process.env.DATABASE_URL, // Unset: a PostgreSQL of its own under dataDir.
  dataDir: process.env.DATA_DIR ?? '.data',
  settings: { ADMIN_API_KEY: process.env.AUDIT_ADMIN_KEY, RETENTION_DAYS: 365 },
});

const app = express();
// Before body parsers: the API reads its requests itself, more strictly than those do.
app.use('/audit', log.handler);
app.use(express.json());

app.post('/login', async (request, response) => {
  const { user, password } = request.body ?? {};
  const success = user === 'alice' && password === 'correct horse';
  await log.logAuthEvent({
    eventType: success ? 'auth.login' : 'auth.login_failed',
    success,
    userId: String(user),
    ipAddress: request.ip,
    userAgent: request.get('user-agent'),
    details: { body: request.body }, // The password in it is redacted before anything is stored.
  });
  response.status(success ? 200 : 401).json({ success });
});

// What one customer did: the principal narrows every read to that customer's events.
app.get('/customers/:id/history', async (request, response) => {
  const principal = { id: 'history page', customerId: request.params.id };
  const { events } = await log.query({}, { limit: 20, principal });
  response.json(events);
});

// An AuditError says with its code whose fault it is.
app.use((error, _request, response, _next) => {
  response.status(error.code === 'BAD_USER_INPUT' ? 400 : 503).json({ code: error.code, path: error.path });
});

const server = createServer(app);
server.on('upgrade', log.handleUpgrade); // Subscriptions over WebSocket.
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/audit/graphql`);
});

process.once('SIGTERM', async () => {
  server.close();
  await log.close();
  server.closeAllConnections();
});
