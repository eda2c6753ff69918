import { appendFileSync } from 'node:fs';
import pg from 'pg';

// `pg` queues a statement that is given to a client while another runs there, warns of it, and will refuse it in its
// version 9. In every test it is an error already.
const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (this: pg.Client, ...parameters: unknown[]): never {
  const { _activeQuery, _queryQueue } = this as unknown as { _activeQuery: unknown; _queryQueue: unknown[] };
  if (_activeQuery || _queryQueue.length > 0) { const e = new Error('a statement on a client that is executing another'); appendFileSync('/tmp/faults/busy.log', `${e.stack}\n\n`); throw e; }
  return query.apply(this, parameters as never) as never;
} as never;
