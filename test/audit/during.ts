import { createPool } from '../../src/db/pool.ts';
import { startService, type TestService } from '../support/service.ts';

/** An event about the log itself, as it is stored. */
export interface OwnEvent {
  position: number;
  event_type: string;
  outcome: string;
  severity: string;
  user_id: string | null;
  customer_id: string | null;
  ip_address: string | null;
  user_agent: string | null;
  action: string;
  description: string;
  details: { operations?: { name: string; count: number }[]; [name: string]: unknown };
  old_values: Record<string, unknown> | null;
  new_values: Record<string, unknown> | null;
}

/** The events about the log itself, in their order, read past the service. */
export async function ownEvents(databaseUrl: string): Promise<OwnEvent[]> {
  const pool = createPool(databaseUrl, () => undefined);
  const { rows } = await pool.query<OwnEvent>(
    `SELECT position, event_type, outcome, severity, user_id, customer_id, host(ip_address) AS ip_address, user_agent,
       action, description, details, old_values, new_values
     FROM audit_events WHERE resource_type = 'audit_log' ORDER BY position`,
  );
  await pool.end();
  return rows;
}

/** Runs a service, which sums up to its stop, and returns the events about the log itself that came of it. */
export async function during(
  databaseUrl: string,
  environment: Record<string, string>,
  work: (service: TestService) => Promise<unknown>,
  options: Parameters<typeof startService>[2] = {},
): Promise<OwnEvent[]> {
  const before = (await ownEvents(databaseUrl)).length;
  const service = await startService(
    databaseUrl,
    { META_AUDIT_INTERVAL_MS: '3600000', ...environment },
    options,
  );
  try {
    await work(service);
  } finally {
    await service.stop();
  }
  return (await ownEvents(databaseUrl)).slice(before);
}

/** All operations of the events together. */
export function operationsOf(events: readonly OwnEvent[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const { details } of events)
    for (const { name, count } of details.operations ?? []) all[name] = (all[name] ?? 0) + count;
  return all;
}
