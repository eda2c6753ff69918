import type { Connection, PoolClient, QueryConfig, QueryResult } from 'pg';
import pg from 'pg';
import { Prisma } from './generated/client.ts';
import { clientOf, mayBeBroken, type Pool, rollBack } from './pool.ts';

/** The statement that puts a transaction under row-level security. */
export function bindCustomer(customerId: string): Prisma.Sql {
  return Prisma.sql`SELECT set_config('role', 'audit_log_customer', true),
    set_config('audit_log.customer_id', ${customerId}, true), set_config('transaction_read_only', 'on', true)`;
}

/** Its text, in which $1 is the customer. */
export const BIND_CUSTOMER = bindCustomer('').text;

/** Each connection prepares it once. */
const BIND_NAME = 'bind_customer';

/**
 * Runs one statement under the role `audit_log_customer`, to which row-level security shows that customer's rows alone,
 * whatever the statement says. The settings travel in front of it, in the same write, and both are one read-only
 * transaction: of messages up to a Sync PostgreSQL makes one (manual, "Pipelining"), so the settings end with it.
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
    // The trace of the socket would tell nothing.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}

/** Of `pg` what its types do not tell. */
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

/** A statement of `pg` behind the one that binds its transaction to a customer. */
class BoundQuery extends pg.Query {
  /** The limit on the silence of the server, as `Client` reads it. */
  readonly silenceMs: number | undefined;
  readonly #customerId: string;
  /** The statement's own name and text while the answer to the first one is due: `pg` takes it for the answer to this. */
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

  /** Called by `pg`: whether the statement goes in messages of its own for parsing, binding and so on. */
  requiresPreparation(): boolean {
    return true;
  }

  /** Called by `pg` to write it. */
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
      // It was sent, and the server has not looked at it.
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
 * Runs `work` in a read-only transaction that sees one customer's rows, and returns what it returns. When that is false,
 * `work` left the connection in the middle of something, and it is given up.
 */
export async function asCustomer<T>(
  pool: Pool,
  customerId: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(beginFor(customerId));
    const result = await work(client);
    if (result === false) client.release(true);
    // Nothing was changed that could be lost, so nobody waits for the end.
    else void commit(client);
    return result;
  } catch (error) {
    void rollBack(client, error).then((isUsable) => client.release(!isUsable));
    throw error;
  }
}

// One statement, so that it costs one journey to the database and back; it takes no parameters, and what is in it is
// digits alone, whatever the customer is called.
function beginFor(customerId: string): string {
  const hex = Buffer.from(customerId).toString('hex');
  return `BEGIN READ ONLY; SELECT set_config('role', 'audit_log_customer', true),
    set_config('audit_log.customer_id', convert_from(decode('${hex}', 'hex'), 'UTF8'), true)`;
}

async function commit(client: PoolClient): Promise<void> {
  const broken = await client.query('COMMIT').then(
    () => undefined,
    (cause: Error) => cause,
  );
  client.release(broken);
}
