import pg from 'pg';
import { Client } from './client.ts';
import { APPLICATION_NAME, type Pool, withServerLimits } from './pool.ts';

// The sampling of `end_silent_holders` takes two seconds and a half.
const ANSWER_MS = 5_000;

export interface SilenceCheckOptions {
  /** Where the login of the service, or the owner, connects: a login sees what its own connections are doing. */
  connectionString: string;
  /** Called when connections of an instance were ended that blocked others and said nothing. */
  onEnded: (count: number) => void;
  onError: (error: Error) => void;
}

/**
 * Makes the check of connections that owe an answer and have been quiet for two seconds. It asks on a connection of its
 * own what the server is doing for them:
 * - nothing, or it waits for us: the answer, or what we sent, is lost. The connection is broken, and what waits for it
 *   rejects as after any other loss of a connection.
 * - it waits for a lock: when an instance that has vanished holds it, the database ends that one's connection.
 * - the server does not answer here either: all quiet connections are broken.
 * One check runs at a time.
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
  // What breaks it rejects what waits for it.
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

// Looked up again: it may have heard from the server meanwhile.
function destroySilent(clients: Iterable<Client>, process: number, reason: string): void {
  silentClients(clients).get(process)?.destroy(reason);
}

interface Activity {
  /** The server works on the statement, or waits for a lock or the disk. */
  isBusy: boolean;
  isLocked: boolean;
}

// Through a pooler the numbers of the processes are not those of PostgreSQL: such connections are not found here.
async function readActivities(client: Client, processes: readonly number[]): Promise<Map<number, Activity>> {
  const { rows } = await client.query(
    `SELECT pid, state = 'active' AND wait_event_type IS DISTINCT FROM 'Client' AS "isBusy",
       wait_event_type IS NOT DISTINCT FROM 'Lock' AS "isLocked"
     FROM pg_catalog.pg_stat_activity
     WHERE pid = ANY($1::int[]) AND datname = current_database() AND usename = session_user
       AND application_name = $2 AND state IS NOT NULL`,
    [processes, APPLICATION_NAME],
  );
  return new Map((rows as (Activity & { pid: number })[]).map(({ pid, ...activity }) => [pid, activity]));
}

// A login that does not inherit has to take on the role first.
async function endSilentHolders(client: Client): Promise<number> {
  await client.query('SET ROLE audit_log_service');
  const { rows } = await client.query('SELECT public.end_silent_holders() AS ended');
  return (rows as { ended: number }[])[0]?.ended ?? 0;
}

/**
 * Makes sure that the owner may end connections of the service's login, which needs that login's rights: grants them when
 * they are missing and the owner may do that. Returns what an administrator has to grant otherwise.
 */
export async function allowEndingSilentHolders(pool: Pool, owner: Pool): Promise<string | undefined> {
  if (await canEndHolders(pool)) return undefined;
  const grant = `GRANT ${pg.escapeIdentifier(await loginOf(pool))} TO ${pg.escapeIdentifier(await loginOf(owner))}`;
  // The owner may lack the right to grant it, or another instance does it at this moment.
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
