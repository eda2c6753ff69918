import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';

// PostGraphile with its usual preset, on DATABASE_URL and the schema DATABASE_SCHEMA.
const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: [process.env.DATABASE_SCHEMA],
      poolConfig: { max: 16 },
    }),
  ],
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
  grafast: { explain: false },
});
const serv = instance.createServ(grafserv);
const server = createServer();
server.on('error', (error) => process.stderr.write(`${error}\n`));
await serv.addTo(server);
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`listens at http://127.0.0.1:${server.address().port}/graphql\n`),
);
process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await instance.release();
});
