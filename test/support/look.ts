import pg from 'pg';
import { startEmbedded } from '../../src/db/embedded/server.ts';
import { urlOf } from './server.ts';

// `npm run test:look -- FOLDER`: the server of a run whose databases of failed tests were kept, until Ctrl-C.
const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('name the folder that the run has printed');
const programs = process.env.TEST_POSTGRES;
const server = await startEmbedded({ dataDir, log: () => undefined, ...(programs && { programs }) });
const client = new pg.Client({ connectionString: server.connectionString });
await client.connect();
const { rows } = await client.query("SELECT datname AS name FROM pg_database WHERE datname LIKE 'test\\_%'");
await client.end();
for (const { name } of rows) console.info(urlOf(server.connectionString, name));
process.once('SIGINT', () => void server.stop());
