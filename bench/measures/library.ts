import { copyBatches, encodeBatches } from '../contenders/copy.ts';
import { createPlainTable } from '../contenders/plain-table.ts';
import { type Entry, entry } from '../entry.ts';
import { KEY, type Lab } from '../lab.ts';
import { cycle, median, run } from '../load.ts';
import { numbers, requests } from '../requests.ts';
import { inTurn, medianOf } from '../rounds.ts';

const IN_FLIGHT = 64;
const BATCH = 500;
const SINGLES = 2_000;

interface Measured {
  perSecond: number;
  p50: number;
}

/** The log in the process of a program: single events beside mutations of the service, batches beside COPY. */
export async function measureLibrary(lab: Lab): Promise<Entry[]> {
  const service = await lab.startService(await lab.createDatabase('served'));
  const embedded = await lab.createDatabase('embedded');
  const program = await lab.startProgram('contenders/library.ts', {
    DATABASE_URL: embedded,
    DATA_DIR: `${lab.folder}/library`,
    NODE_ENV: 'production',
  });
  const ask = async (path: string) => (await (await fetch(program.url + path)).json()) as Measured;
  const { seconds } = lab.options;
  const next = cycle(numbers(0, SINGLES).map((at) => requests.one({ url: service.url, key: KEY }, at)));
  const served = (connections: number) => () => run({ urls: [service.url], connections, next, seconds });
  const inProcess = (count: number) => () => ask(`/singles?inFlight=${count}&seconds=${seconds}`);
  const say = (name: string, round: number) => lab.progress.say(`library, round ${round}: ${name}`);
  const single = await inTurn<string, Measured>(
    lab.options.rounds,
    { library: inProcess(IN_FLIGHT), service: served(IN_FLIGHT) },
    say,
  );
  const lone = await inTurn<string, Measured>(
    lab.options.rounds,
    { library: inProcess(1), service: served(1) },
    say,
  );
  return [
    entry({
      name: 'library-single',
      unit: 'events/s',
      against: 'logEvent over 64 connections',
      value: medianOf(single.library ?? [], ({ perSecond }) => perSecond),
      reference: medianOf(single.service ?? [], ({ perSecond }) => perSecond),
      goal: 1,
      wants: 'at least',
    }),
    entry({
      name: 'library-lone',
      unit: 'ms p50',
      against: 'logEvent, one client',
      value: medianOf(lone.library ?? [], ({ p50 }) => p50),
      reference: medianOf(lone.service ?? [], ({ p50 }) => p50),
      goal: 1,
      wants: 'at most',
    }),
    await measureBatches(lab, ask),
  ];
}

async function measureBatches(lab: Lab, ask: (path: string) => Promise<Measured>): Promise<Entry> {
  const plain = await lab.createDatabase('plain_library');
  await (await lab.startService(plain)).stop();
  const client = await lab.connect(plain);
  await createPlainTable(client, 'copied');
  const { rounds, batchEvents } = lab.options;
  let first = 0;
  const fresh = () => {
    first += batchEvents;
    return first;
  };
  const results = await inTurn(
    rounds,
    {
      library: async () => (await ask(`/batches?first=${fresh()}&count=${batchEvents}`)).perSecond,
      async copy() {
        const batches = encodeBatches(fresh(), batchEvents, BATCH);
        const start = performance.now();
        await copyBatches(client, 'copied.audit_events', batches);
        return batchEvents / ((performance.now() - start) / 1_000);
      },
    },
    (name, round) => lab.progress.say(`library, round ${round}: ${name}`),
  );
  return entry({
    name: 'library-batch',
    unit: 'events/s',
    against: 'COPY of 500 a commit',
    value: median(results.library),
    reference: median(results.copy),
    goal: 0.6,
    wants: 'at least',
  });
}
