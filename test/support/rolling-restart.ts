import { startBalancer } from './balancer.ts';
import { dataDirOf } from './database.ts';
import { startKeepAliveClients } from './keep-alive-clients.ts';
import { type Program, startProgram } from './process.ts';
import { ADMIN_KEY } from './service.ts';
import { upTo } from './write.ts';

const INSTANCES = 2;
/** How many requests are answered between two restarts. */
const BETWEEN = 300;

/** What clients have seen of a rolling restart. */
export interface Rolled {
  /** Events that were acknowledged. */
  recorded: number;
  ends: Map<string, number>;
  problems: string[];
  /** How long each stop has taken. */
  stopMs: number[];
}

/** Restarts two instances behind a balancer in turn, `restarts` times in all, while `clients` clients record events. */
export async function rollingRestart(
  databaseUrl: string,
  restarts: number,
  clients: number,
): Promise<Rolled> {
  const instances = await Promise.all(upTo(INSTANCES).map(() => start(databaseUrl, '0')));
  const balancer = await startBalancer(instances.map(({ url }) => url));
  const writers = startKeepAliveClients(balancer.url, clients);
  const stopMs: number[] = [];
  for (const restart of upTo(restarts)) {
    await writers.more(BETWEEN);
    const at = restart % INSTANCES;
    const { program, url } = instances[at] as Instance;
    const startMs = performance.now();
    await end(program);
    stopMs.push(Math.round(performance.now() - startMs));
    await writers.more(BETWEEN);
    instances[at] = await start(databaseUrl, new URL(url).port);
    await balancer.has(url);
  }
  await writers.more(BETWEEN);
  const recorded = await writers.stop();
  await balancer.close();
  await Promise.all(instances.map(({ program }) => end(program)));
  return { recorded, ends: writers.ends, problems: balancer.problems, stopMs };
}

interface Instance {
  program: Program;
  url: string;
}

async function start(databaseUrl: string, PORT: string): Promise<Instance> {
  const program = startProgram('main.ts', {
    DATABASE_URL: databaseUrl,
    DATA_DIR: dataDirOf(databaseUrl),
    ADMIN_API_KEY: ADMIN_KEY,
    RATE_LIMIT: '0',
    LOG_EVENTS: 'off',
    META_AUDIT: 'none',
    // The balancer shares its process, and a busy machine, with the clients: it may be late to see that a connection
    // was closed, by more than the second that is enough for one of its own.
    STOP_IDLE_MS: '5000',
    // The balancer asks every 50 ms whether an instance is ready.
    STOP_DELAY_MS: '500',
    PORT,
  });
  await program.says('Ready.');
  return { program, url: /http:\/\/[\d.]+:\d+/.exec(program.said())?.[0] ?? '' };
}

async function end(program: Program): Promise<void> {
  program.child.kill('SIGTERM');
  const { code, signal } = await program.ended;
  if (code !== 0) throw new Error(`it ended with ${code ?? signal}: ${program.said()}`);
}
