import type { Command } from 'commander';
import type { DatabaseFlags } from './database.ts';
import { conclude, EXIT_CODES } from './outcome.ts';

const HELP = `
Without a subcommand it verifies the database.
${EXIT_CODES}`;

const DATABASE_HELP = `
It works on the database itself, read-only and while a service writes to it: on DATABASE_URL, or on the PostgreSQL under
DATA_DIR (.data by default), which is started for the command when no service runs there. Every event is hashed again
and compared with its leaf hash, its tile and its customer's tree; every tile, tree and checkpoint is computed anew. What
somebody changed who can also sign, or who rewrote the whole log, shows only against a checkpoint that was kept outside.
${EXIT_CODES}`;

/** Adds `audit-log verify` to the program. */
export function register(program: Command): void {
  const verify = program
    .command('verify')
    .description('verify that the log is what was signed')
    .addHelpText('after', HELP);
  verify
    .command('database', { isDefault: true })
    .description('verify the log in the database (the default)')
    .option('--checkpoint <file...>', 'checkpoints that were kept outside, an ANCHOR_FILE too')
    .option('--key <vkey>', "the log's public key to trust (default: the one in the database)")
    .option('--json', 'print the result as JSON')
    .addHelpText('after', DATABASE_HELP)
    .action(({ json, ...flags }: DatabaseFlags & { json?: boolean }) =>
      conclude(json === true, async () => (await import('./database.ts')).verifyTheDatabase(flags)),
    );
}
