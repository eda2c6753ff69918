import type { Child } from '../child.ts';
import { type Entry, entry } from '../entry.ts';
import { Connection } from '../http-client.ts';
import { KEY, type Lab } from '../lab.ts';
import { median, quantile } from '../load.ts';
import { requests } from '../requests.ts';
import { inTurn } from '../rounds.ts';
import { type Live, openLive, subscribe } from '../subscribers.ts';

const LEAST_SINGLES = 5;
const MOST_EVENTS = 30;
const DELIVERIES = 30_000;
/** Events before anything counts: until then most of the code is not compiled. */
const FIRST_EVENTS = 50;
const CHANNEL = 'audit_log';

/** How soon one subscriber has an event, and what an event costs that thousands get. */
export async function measureFeed(lab: Lab): Promise<Entry[]> {
  const entries = [await measureLatency(lab)];
  for (const count of lab.options.subscribers) entries.push(await measureFanOut(lab, count));
  return entries;
}

/** A service on a log without events: who follows it from its beginning misses none, however late it is heard. */
async function startEmpty(lab: Lab, name: string): Promise<{ service: Child; databaseUrl: string }> {
  const databaseUrl = await lab.createDatabase(name);
  return { service: await lab.startService(databaseUrl), databaseUrl };
}

/**
 * How long a subscriber of `service` waits for an event, p50 in milliseconds: from when another connection hears the NOTIFY of
 * the commit. `writer`, the same instance or another, records the events. `arrival` may stand for something else that happens
 * then.
 */
export async function latenciesOf(
  lab: Lab,
  { service, writer = service, databaseUrl }: { service: Child; writer?: Child; databaseUrl: string },
): Promise<{ measure(arrival?: () => Promise<number>): Promise<number>; close(): void }> {
  const watcher = await lab.connect(databaseUrl);
  await watcher.query(`LISTEN ${CHANNEL}`);
  const live = await openLive(service.url, KEY);
  let deliveredAt: (time: number) => void = () => undefined;
  await subscribe(live, () => deliveredAt(performance.now()));
  const delivery = () => new Promise<number>((resolve) => (deliveredAt = resolve));
  return {
    async measure(arrival = delivery) {
      const times: number[] = [];
      // The service closes a connection that is idle while others are measured.
      const connection = await Connection.open(writer.url);
      const end = performance.now() + lab.options.seconds * 1_000;
      for (let number = 0; number < LEAST_SINGLES || performance.now() < end; number += 1) {
        const committed = new Promise<number>((resolve) =>
          watcher.once('notification', () => resolve(performance.now())),
        );
        const arrived = arrival();
        await connection.send(requests.one({ url: writer.url, key: KEY }, number));
        times.push((await arrived) - (await committed));
      }
      connection.close();
      return quantile(
        times.sort((a, b) => a - b),
        0.5,
      );
    },
    close: () => live.close(),
  };
}

/** The reference reads the event, by its position, through the connection that listens. */
async function measureLatency(lab: Lab): Promise<Entry> {
  const { service, databaseUrl } = await startEmpty(lab, 'fed');
  const reader = await lab.connect(databaseUrl);
  await reader.query(`LISTEN ${CHANNEL}`);
  let readAt: (time: number) => void = () => undefined;
  reader.on('notification', async ({ payload }) => {
    await reader.query({
      name: 'tail',
      text: 'SELECT * FROM audit_events WHERE position = $1',
      values: [Number(payload) - 1],
    });
    readAt(performance.now());
  });
  const { measure, close } = await latenciesOf(lab, { service, databaseUrl });
  const results = await inTurn(
    lab.options.rounds,
    {
      service: () => measure(),
      listen: () => measure(() => new Promise((resolve) => (readAt = resolve))),
    },
    (name, round) => lab.progress.say(`feed-latency, round ${round}: ${name}`),
  );
  close();
  await service.stop();
  return entry({
    name: 'feed-latency',
    unit: 'ms p50',
    against: 'LISTEN/NOTIFY and one indexed read',
    value: median(results.service),
    reference: median(results.listen),
    goal: 1.5,
    wants: 'at most',
  });
}

async function measureFanOut(lab: Lab, count: number): Promise<Entry> {
  const { service } = await startEmpty(lab, `fed_${count}`);
  const frames = await lab.startProgram('contenders/frame-server.ts', {});
  const events = Math.min(MOST_EVENTS, Math.max(3, Math.round(DELIVERIES / count / lab.options.rounds)));
  const crowd = { service: await gather(lab, service, count, KEY), frames: await gather(lab, frames, count) };
  const writer = await Connection.open(service.url);
  let number = 0;
  const log = () => writer.send(requests.one({ url: service.url, key: KEY }, number++));
  const ask = () => crowd.frames.ask();
  await costOf(service, crowd.service, FIRST_EVENTS, log);
  await costOf(frames, crowd.frames, FIRST_EVENTS, ask);
  const results = await inTurn(
    lab.options.rounds,
    {
      service: () => costOf(service, crowd.service, events, log),
      frames: () => costOf(frames, crowd.frames, events, ask),
    },
    (name, round) => lab.progress.say(`fan-out to ${count}, round ${round}: ${name}`),
  );
  writer.close();
  crowd.service.close();
  crowd.frames.close();
  await Promise.all([frames.stop(), service.stop()]);
  return entry({
    name: count === lab.options.subscribers[0] ? 'fan-out' : `fan-out/${count}`,
    unit: 'us of processor time a delivery',
    against: `one ready-made frame to every socket (${count.toLocaleString('en-US')} of them)`,
    value: median(results.service),
    reference: median(results.frames),
    goal: 1.5,
    wants: 'at most',
  });
}

interface Crowd {
  count: number;
  /** Resolves when everybody has got one more event. */
  everybody(): Promise<void>;
  /** Asks the server, through one of the sockets, to send to all. */
  ask(): void;
  close(): void;
}

export async function gather(lab: Lab, server: Child, count: number, key?: string): Promise<Crowd> {
  lab.progress.say(`connecting ${count} subscribers`);
  let arrived = 0;
  let all = () => {};
  const onEvent = () => {
    arrived += 1;
    if (arrived === count) all();
  };
  const lives: Live[] = [];
  while (lives.length < count) {
    const some = await Promise.all(
      Array.from({ length: Math.min(100, count - lives.length) }, () => openLive(server.url, key)),
    );
    await Promise.all(some.map((live) => subscribe(live, onEvent)));
    lives.push(...some);
  }
  return {
    count,
    everybody() {
      arrived = 0;
      return new Promise((resolve) => {
        all = resolve;
      });
    },
    ask: () => lives[0]?.send('all'),
    close() {
      for (const live of lives) live.close();
    },
  };
}

// In microseconds. Where the clock is coarse, a few events may pass before it moves.
export async function costOf(
  server: Child,
  crowd: Crowd,
  events: number,
  send: () => unknown,
): Promise<number> {
  const before = server.stat().cpuMs;
  for (let sent = 1; ; sent += 1) {
    const everybody = crowd.everybody();
    await send();
    await everybody;
    const used = server.stat().cpuMs - before;
    if (sent >= events && used > 0) return (used * 1_000) / (sent * crowd.count);
  }
}
