import pg from 'pg';
import { Client } from './client-with-deadlines.ts';
import { APPLICATION_NAME, type Pool, withServerLimits } from './pool.ts';

// More than the 2.5 seconds that `end_silent_holders` takes to sample.
const ANSWER_MS = 5_000;

export interface SilenceCheckOptions {
  /** Connects as the login whose connections are checked: a login can see the activity of its own connections. */
  connectionString: string;
  /** Called when the database has ended silent connections that blocked others. */
  onEnded: (count: number) => void;
  onError: (error: Error) => void;
}

/**
 * Creates the check of connections that have been silent for two seconds while a response is due. It asks on a separate
 * connection what the server is doing for them:
 * - Nothing, or it waits for the client: the response or the request is lost. The connection is destroyed, and its
 * pending
 * statements reject as after any other loss of a connection.
 * - It waits for a lock: if a lost instance holds the lock, the database ends the connection of that instance.
 * - The server does not answer on the separate connection either: all silent connections are destroyed. One check runs at
 * a time.
 */
export function createSilenceCheck(options: SilenceCheckOptions): (clients: Iterable<Client>) => void {
  let isRunning = false;
  return (clients) => {
    if (isRunning) return;
    isRunning = true;
    void checkSilent(options, clients)
      .catch(options.onError)
      .finally(() => {
        isRunning = false;
      });
  };
}

async function checkSilent(
  { connectionString, onEnded }: SilenceCheckOptions,
  clients: Iterable<Client>,
): Promise<void> {
  const quiet = silentClients(clients);
  const own = new Client({
    connectionString: withServerLimits(connectionString),
    silenceMs: ANSWER_MS,
    application_name: `${APPLICATION_NAME} check`,
  });
  // An error of the connection also rejects the pending statement.
  own.on('error', () => undefined);
  try {
    await own.connect();
    const activities = await readActivities(own, [...quiet.keys()]);
    for (const [process, { isBusy }] of activities)
      if (!isBusy) destroySilent(clients, process, 'the answer of the database was lost');
    if ([...activities.values()].some(({ isLocked }) => isLocked)) {
      const ended = await endSilentHolders(own);
      if (ended > 0) onEnded(ended);
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ETIMEDOUT')
      for (const process of quiet.keys()) destroySilent(clients, process, 'the database does not answer');
    throw error;
  } finally {
    await own.end();
  }
}

function silentClients(clients: Iterable<Client>): Map<number, Client> {
  const quiet = new Map<number, Client>();
  for (const client of clients) {
    const process = client.quietProcess;
    if (process !== undefined) quiet.set(process, client);
  }
  return quiet;
}

// Looked up again: data may have arrived in the meantime.
function destroySilent(clients: Iterable<Client>, process: number, reason: string): void {
  silentClients(clients).get(process)?.destroy(reason);
}

interface BackendActivity {
  /** The server runs the statement, or waits for a lock or the disk. */
  isBusy: boolean;
  isLocked: boolean;
}

// Behind a connection pooler, the process ids are not those of PostgreSQL: such connections are not found here.
async function readActivities(
  client: Client,
  processes: readonly number[],
): Promise<Map<number, BackendActivity>> {
  const { rows } = await client.query(
    `SELECT pid, state = 'active' AND wait_event_type IS DISTINCT FROM 'Client' AS "isBusy",
       wait_event_type IS NOT DISTINCT FROM 'Lock' AS "isLocked"
     FROM pg_catalog.pg_stat_activity
     WHERE pid = ANY($1::int[]) AND datname = current_database() AND usename = session_user
       AND application_name = $2 AND state IS NOT NULL`,
    [processes, APPLICATION_NAME],
  );
  return new Map(
    (rows as (BackendActivity & { pid: number })[]).map(({ pid, ...activity }) => [pid, activity]),
  );
}

// A login with NOINHERIT needs SET ROLE first.
async function endSilentHolders(client: Client): Promise<number> {
  await client.query('SET ROLE audit_log_service');
  const { rows } = await client.query('SELECT public.end_silent_holders() AS ended');
  return (rows as { ended: number }[])[0]?.ended ?? 0;
}

/**
 * Ensures that the owner may end connections of the login of the service, for which it must be a member of that login.
 * Grants the membership if the owner may do that. Otherwise returns the GRANT that an administrator has to run.
 */
export async function allowEndingSilentHolders(pool: Pool, owner: Pool): Promise<string | undefined> {
  if (await canEndHolders(pool)) return undefined;
  const grant = `GRANT ${pg.escapeIdentifier(await loginOf(pool))} TO ${pg.escapeIdentifier(await loginOf(owner))}`;
  // The owner may lack the right to grant it, or another instance grants it at the same time.
  await owner.query(grant).catch(() => undefined);
  return (await canEndHolders(pool)) ? undefined : grant;
}

async function canEndHolders(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ can: boolean | null }>('SELECT public.can_end_silent_holders() AS can');
  return rows[0]?.can === true;
}

async function loginOf(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ login: string }>('SELECT session_user AS login');
  return rows[0]?.login ?? '';
}
