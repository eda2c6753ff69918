import { type Command, InvalidArgumentError, Option } from 'commander';
import { SCOPES, type Scope } from '../auth/principal-and-scopes.ts';
import { parseTime } from '../events/time.ts';
import { printFailure } from './messages.ts';

const HELP = `
The commands work on the database itself and need no key. The database is DATABASE_URL, or the PostgreSQL under DATA_DIR
(.data by default), which the command starts when no service runs there. The commands read the settings of the service,
apply pending migrations as its start does, and record each change in the log, as user cli:NAME. A running service
applies the changes at once.

Exit code: 0 on success, 2 on failure, also when the arguments are wrong.`;

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
    .option(
      '--expires-at <time>',
      'when the key expires, such as 2027-01-31T12:00:00Z (default: never)',
      timeOf,
    )
    .option('--json', 'print JSON: {"key": ..., "secret": ...}')
    .action(({ scope, json, ...input }: CreateFlags) =>
      print(({ create }) => create({ ...input, scopes: scope }, json === true)),
    );
  keys
    .command('list')
    .description('list all keys, newest first, including revoked and expired ones')
    .option('--json', 'print JSON: [...]')
    .action(({ json }: Flags) => print(({ list }) => list(json === true)));
  keys
    .command('revoke')
    .description('revoke a key permanently and end its connections and subscriptions')
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
    // Imported here, not at the top: the other commands start faster without the database.
    process.stdout.write(`${await action(await import('./keys-on-database.ts'))}\n`);
  } catch (error) {
    printFailure('keys', error);
    process.exitCode = 2;
  }
}
