import { type Command, InvalidArgumentError, Option } from 'commander';
import { SCOPES, type Scope } from '../auth/principal.ts';
import { parseTime } from '../events/time.ts';

const HELP = `
The commands work on the database itself and need no key: on DATABASE_URL, or on the PostgreSQL under DATA_DIR (.data by
default), which is started for the command when no service runs there. They use the settings of the service, bring the
schema of the database up to date as its start does, and record what they change in the log, as user cli:NAME. A service
that runs on the database takes the changes over at once.

Exit code: 0 when it was done, 2 when not, also when the arguments are wrong.`;

interface CreateFlags {
  name: string;
  scope: Scope[];
  customerId?: string;
  expiresAt?: number;
  json?: boolean;
}

interface Flags {
  json?: boolean;
}

/** Adds `audit-log keys` to the program. */
export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('create, list and revoke API keys on the database itself')
    .addHelpText('after', HELP);
  keys
    .command('create')
    .description('create a key and show its secret, once')
    .requiredOption('--name <name>', 'what the key is for')
    .addOption(new Option('--scope <scope...>', 'what the key may do').choices(SCOPES).makeOptionMandatory())
    .option('--customer-id <id>', 'bind the key to the events of this customer; not with the scope admin')
    .option('--expires-at <time>', 'until when, such as 2027-01-31T12:00:00Z (default: for ever)', timeOf)
    .option('--json', 'print JSON: {"key": ..., "secret": ...}')
    .action(({ scope, json, ...input }: CreateFlags) =>
      print(({ create }) => create({ ...input, scopes: scope }, json === true)),
    );
  keys
    .command('list')
    .description('list all keys, newest first, revoked and expired ones too')
    .option('--json', 'print JSON: [...]')
    .action(({ json }: Flags) => print(({ list }) => list(json === true)));
  keys
    .command('revoke')
    .description('revoke a key for ever and end what is open on it')
    .argument('<id>', 'the id of the key')
    .option('--json', 'print JSON: the key')
    .action((id: string, { json }: Flags) => print(({ revoke }) => revoke(id, json === true)));
}

function timeOf(text: string): number {
  const time = parseTime(text);
  if (time === undefined) throw new InvalidArgumentError('A time looks like 2027-01-31T12:00:00Z.');
  return time;
}

type Actions = typeof import('./keys-on-database.ts');

async function print(action: (actions: Actions) => Promise<string>): Promise<void> {
  try {
    // Loaded when it is wanted: the other commands are faster without a database.
    process.stdout.write(`${await action(await import('./keys-on-database.ts'))}\n`);
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    process.stderr.write(`audit-log keys: ${message || String(code)}\n`);
    process.exitCode = 2;
  }
}
