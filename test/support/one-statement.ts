import pg from 'pg';

/** What a client of `pg` knows of itself. */
interface State {
  _activeQuery: unknown;
  _queryQueue: unknown[];
  hasExecuted: boolean | undefined;
  readyForQuery: boolean;
  _queryable: boolean;
  _ended: boolean;
}

// `pg` queues a statement that is given to a client while another runs there, warns of it, and will refuse it in its
// version 9. In every test it is an error already, of our own clients also between the refusal of a statement and the end
// of its answer, for which a plain client does not wait. On a broken connection nothing runs any more.
const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (this: pg.Client, ...parameters: unknown[]): never {
  const { _activeQuery, _queryQueue, hasExecuted, readyForQuery, _queryable, _ended } = this as pg.Client &
    State;
  const isOpen = _queryable && !_ended;
  const isOurs = this.constructor !== pg.Client;
  const isAnswering = isOurs && hasExecuted && !readyForQuery;
  if (isOpen && (_activeQuery || _queryQueue.length > 0 || isAnswering))
    throw new Error('a statement was given to a client that is executing another');
  return query.apply(this, parameters as never) as never;
} as never;
