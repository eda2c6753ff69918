import type { PoolClient } from 'pg';
import { type Pool, rollBack } from './pool.ts';
import type { Queryable } from './queryable.ts';

/**
 * Reads what one customer may see: every statement runs under the role `audit_log_customer`, to which row-level
 * security shows that customer's rows alone, whatever the statement says. Each is a transaction of its own.
 */
export function tenantReader(pool: Pool, customerId: string): Queryable {
  return {
    customerId,
    async query(statement, parameters) {
      const result = await asTenant(pool, customerId, (client) => client.query(statement, parameters));
      return result as never;
    },
  };
}

/**
 * Runs `work` in a read-only transaction that sees one customer's rows, and returns what it returns. When that is false,
 * `work` left the connection in the middle of something, and it is given up.
 */
export async function asTenant<T>(
  pool: Pool,
  customerId: string,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(beginningFor(customerId));
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
function beginningFor(customerId: string): string {
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
