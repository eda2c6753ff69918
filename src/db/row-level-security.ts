import type { Connection, PoolClient, QueryConfig, QueryResult } from 'pg';
import pg from 'pg';
import { Prisma } from './generated/client.ts';
import { clientOf, mayBeBroken, type Pool, rollBack } from './pool.ts';
import { runStatements } from './statement-pipeline.ts';

/** The statement that puts a transaction under row-level security for a customer. */
export function bindCustomer(customerId: string): Prisma.Sql {
  return Prisma.sql`SELECT set_config('role', 'audit_log_customer', true),
    set_config('audit_log.customer_id', ${customerId}, true), set_config('transaction_read_only', 'on', true)`;
}

/** The text of `bindCustomer`. $1 is the customer. */
export const BIND_CUSTOMER = bindCustomer('').text;

/** The name under which each connection prepares it. */
const BIND_NAME = 'bind_customer';

/**
 * Runs one statement under the role `audit_log_customer`, to which row-level security shows only the rows of that
 * customer, whatever the statement is. `bindCustomer` is sent before it in the same write. Both are one read-only
 * transaction, since PostgreSQL runs all messages up to a Sync in one (manual, "Pipelining"), so that the settings end
 * with it.
 */
export async function queryAsCustomer(
  pool: Pool,
  customerId: string,
  config: QueryConfig & { silenceMs?: number },
): Promise<QueryResult> {
  const client = await pool.connect();
  let isBroken = false;
  try {
    return await submit(client, customerId, config);
  } catch (error) {
    isBroken = mayBeBroken(error);
    throw error;
  } finally {
    client.release(isBroken);
  }
}

async function submit(
  client: PoolClient,
  customerId: string,
  config: QueryConfig & { silenceMs?: number },
): Promise<QueryResult> {
  try {
    return await new Promise<QueryResult>((resolve, reject) => {
      const query = new BoundQuery(config, customerId, (error, result) =>
        error ? reject(error) : resolve(result as unknown as QueryResult),
      );
      client.query(query);
    });
  } catch (error) {
    await clientOf(client).untilReady();
    // The original stack is that of the socket, which does not lead to the caller.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}

/** Members of a `pg` connection that its types leave out. */
interface Wire extends Connection {
  parsedStatements: Record<string, string | undefined>;
  submittedNamedStatements: Record<string, string | undefined>;
  parse(message: { text: string; name: string }): void;
  bind(message: { statement: string; values: string[] }): void;
  execute(message: { portal: string }): void;
}

interface Inherited {
  name: string | undefined;
  text: string;
  hasBeenParsed(connection: Wire): unknown;
  prepare(connection: Wire): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: Wire): void;
  handleError(error: Error, connection: Wire): void;
}

const inherited = pg.Query.prototype as unknown as Inherited;

/** A statement of `pg` that is sent after `bindCustomer`. */
class BoundQuery extends pg.Query {
  /** The limit on the silence of the server, which `Client` reads. */
  readonly silenceMs: number | undefined;
  readonly #customerId: string;
  /**
   * The name and text of the statement while the response to `bindCustomer` is due, which `pg` takes for its response.
   */
  #own: { name: string | undefined; text: string } | undefined;

  constructor(
    { silenceMs, ...config }: QueryConfig & { silenceMs?: number },
    customerId: string,
    callback: (error: Error | undefined, result: pg.ResultBuilder<pg.QueryResultRow>) => void,
  ) {
    super(config, callback);
    this.silenceMs = silenceMs;
    this.#customerId = customerId;
  }

  /** Called by `pg`: whether the statement uses the extended query protocol. */
  requiresPreparation(): boolean {
    return true;
  }

  /** Called by `pg` to send the statement. */
  prepare(connection: Wire): void {
    if (connection.parsedStatements[BIND_NAME] === undefined)
      connection.parse({ text: BIND_CUSTOMER, name: BIND_NAME });
    connection.bind({ statement: BIND_NAME, values: [this.#customerId] });
    connection.execute({ portal: '' });
    inherited.prepare.call(this, connection);
    const self = this as unknown as Inherited;
    this.#own = { name: self.name, text: self.text };
    self.name = BIND_NAME;
    self.text = BIND_CUSTOMER;
  }

  handleDataRow(message: unknown): void {
    if (!this.#own) inherited.handleDataRow.call(this, message);
  }

  handleCommandComplete(message: unknown, connection: Wire): void {
    if (this.#own) this.#restore(this.#own);
    else inherited.handleCommandComplete.call(this, message, connection);
  }

  handleError(error: Error, connection: Wire): void {
    if (this.#own) {
      const { name } = this.#own;
      this.#restore(this.#own);
      // The statement was sent, but the server has skipped it.
      if (name !== undefined) delete connection.submittedNamedStatements[name];
    }
    inherited.handleError.call(this, error, connection);
  }

  #restore({ name, text }: { name: string | undefined; text: string }): void {
    this.#own = undefined;
    Object.assign(this, { name, text });
  }
}

/**
 * Runs `work` in a read-only transaction that sees only the rows of one customer. Returns its result. The result false
 * means that `work` did not read a response to its end: then the connection is closed.
 */
export async function asCustomer<T>(
  pool: Pool,
  customerId: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await runStatements(client, [
      { sql: 'BEGIN', parameters: [] },
      { sql: BIND_CUSTOMER, parameters: [customerId] },
    ]);
    const result = await work(client);
    if (result === false) client.release(true);
    // The transaction was read-only: nothing can be lost by not waiting for its end.
    else void commit(client);
    return result;
  } catch (error) {
    void rollBack(client, error).then((isUsable) => client.release(!isUsable));
    throw error;
  }
}

async function commit(client: PoolClient): Promise<void> {
  const broken = await client.query('COMMIT').then(
    () => undefined,
    (cause: Error) => cause,
  );
  client.release(broken);
}
