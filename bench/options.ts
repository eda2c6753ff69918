import { parseArgs } from 'node:util';

export const GROUPS = ['append', 'library', 'query', 'summary', 'feed', 'export', 'verify', 'start'] as const;
export type Group = (typeof GROUPS)[number];

/** How a run is to be. */
export interface Options {
  groups: readonly Group[];
  /** Events that are loaded before queries, summaries, exports and starts are measured. */
  rows: number;
  /** How long a contender runs in a round, where a round is not a fixed piece of work. */
  seconds: number;
  rounds: number;
  /** Events of a round of batches. */
  batchEvents: number;
  /** Subscribers of the fan-out. */
  subscribers: readonly number[];
  isJson: boolean;
  hasPostgraphile: boolean;
  /** Where temporary data goes; undefined: where the system has it. */
  tmp: string | undefined;
}

const HELP = `usage: npm run bench -- [GROUP...] [options]

groups: ${GROUPS.join(' ')} (all by default)

  --rows N             events to load first (200000; the full sizes of the goals: 5000000, for summary 10000000)
  --seconds N          length of a contender's turn (1.5)
  --rounds N           turns of each contender (7)
  --batch-events N     events of a turn of batches (20000)
  --subscribers N,N    subscribers of the fan-out (1000,5000)
  --no-postgraphile    leave out PostGraphile, which is installed on first use
  --tmp DIR            where temporary data goes (the system's temporary folder)
  --json               print one JSON object instead of the table
`;

/** Reads the command line; undefined when it asks for help, which is then printed. Throws on what it does not know. */
export function readOptions(argv: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '200000' },
      seconds: { type: 'string', default: '1.5' },
      rounds: { type: 'string', default: '7' },
      'batch-events': { type: 'string', default: '20000' },
      subscribers: { type: 'string', default: '1000,5000' },
      'no-postgraphile': { type: 'boolean', default: false },
      tmp: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  return {
    groups: positionals.length === 0 ? GROUPS : positionals.map(groupOf),
    rows: positive('rows', values.rows),
    seconds: positive('seconds', values.seconds),
    rounds: positive('rounds', values.rounds),
    batchEvents: positive('batch-events', values['batch-events']),
    subscribers: values.subscribers.split(',').map((text) => positive('subscribers', text)),
    isJson: values.json,
    hasPostgraphile: !values['no-postgraphile'],
    tmp: values.tmp,
  };
}

function groupOf(text: string): Group {
  const group = GROUPS.find((name) => name === text);
  if (!group) throw new Error(`unknown group ${text}: there are ${GROUPS.join(', ')}`);
  return group;
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${name} must be a positive number`);
  return number;
}
