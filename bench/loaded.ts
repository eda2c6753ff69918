import type { Child } from './child.ts';
import { KEY, type Lab } from './lab.ts';
import { run } from './load.ts';
import { requests } from './requests.ts';

const BATCH = 500;
const CONNECTIONS = 4;
const DAY_MS = 86_400_000;
const SPAN_DAYS = 90;

/** A database with events in it, and the service on it. */
export interface Loaded {
  databaseUrl: string;
  service: Child;
  rows: number;
}

/** Makes a database with so many events and the service on it. */
async function load(lab: Lab, name: string, rows: number): Promise<Loaded> {
  const databaseUrl = await lab.createDatabase(name);
  const service = await lab.startService(databaseUrl);
  await send(lab, service.url, rows);
  const client = await lab.connect(databaseUrl);
  await client.query('VACUUM ANALYZE');
  return { databaseUrl, service, rows };
}

/**
 * Sends so many events to a new service through its API, as a client does, so that everything that belongs to an event
 * is there. Their timestamps are spread evenly over the last 90 days.
 */
export async function send(lab: Lab, serviceUrl: string, rows: number): Promise<void> {
  const start = Date.now() - SPAN_DAYS * DAY_MS;
  const extraOf = (number: number) => ({
    timestamp: new Date(start + (number / rows) * SPAN_DAYS * DAY_MS).toISOString(),
  });
  let sent = 0;
  await run({
    urls: [serviceUrl],
    connections: CONNECTIONS,
    next(url) {
      if (sent >= rows) return undefined;
      const first = sent;
      sent = Math.min(rows, sent + BATCH);
      lab.progress.count('events sent', sent, rows);
      return requests.batch({ url, key: KEY }, first, sent - first, extraOf);
    },
  });
}

/** The loads of a run, each done once, when the first measure needs it. */
export class Loads {
  readonly #lab: Lab;
  readonly #loads = new Map<number, Promise<Loaded>>();

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** A database with so many events. */
  of(rows: number): Promise<Loaded> {
    const loaded = this.#loads.get(rows) ?? load(this.#lab, `loaded_${rows}`, rows);
    this.#loads.set(rows, loaded);
    return loaded;
  }
}
