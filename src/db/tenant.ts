import type { Pool } from './pool.ts';
import type { Queryable } from './queryable.ts';

/**
 * Reads what one customer may see: every statement runs under the role `audit_log_customer`, to which row-level
 * security shows that customer's rows alone, whatever the statement says. Each is a transaction of its own.
 */
export function tenantReader(pool: Pool, customerId: string): Queryable {
  return {
    customerId,
    async query(sql, parameters) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query('BEGIN READ ONLY');
        await client.query(
          "SELECT set_config('role', 'audit_log_customer', true), set_config('audit_log.customer_id', $1, true)",
          [customerId],
        );
        const result = await client.query(sql, parameters);
        await client.query('COMMIT');
        return result as never;
      } catch (error) {
        await client.query('ROLLBACK').catch((cause: Error) => {
          broken = cause;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
  };
}
