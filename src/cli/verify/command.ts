import { type Command, InvalidArgumentError } from 'commander';
import type { DatabaseFlags } from './database.ts';
import type { ExportFlags } from './export.ts';
import { EXIT_CODES, printResult } from './output.ts';
import type { BundleFlags, ConsistencyFlags } from './proofs.ts';
import type { RemoteFlags } from './remote.ts';

const KEY = [
  '--key <vkey>',
  "the log's public key (verifierKey in the API), from somebody you trust",
] as const;
const JSON_FLAG = ['--json', 'print the result as JSON'] as const;
const TILES = ['--tiles <prefix>', "the URL or folder below which the tree's tile/... are"] as const;

interface Shown {
  json?: boolean;
}

/** Adds `audit-log verify` to the program. */
export function register(program: Command): void {
  const verify = program
    .command('verify')
    .description('verify that the log is what was signed')
    .addHelpText('after', VERIFY_HELP);
  addDatabase(verify);
  addExport(verify);
  addRemote(verify);
  addConsistency(verify);
  addBundle(verify);
}

function addDatabase(verify: Command): void {
  verify
    .command('database', { isDefault: true })
    .description('verify the log in the database (the default)')
    .option('--checkpoint <file...>', 'checkpoints that were kept outside, an ANCHOR_FILE too')
    .option('--key <vkey>', "the log's public key to trust (default: the one in the database)")
    .option(...JSON_FLAG)
    .addHelpText('after', DATABASE_HELP)
    .action(({ json, ...flags }: DatabaseFlags & Shown) =>
      printResult(json === true, async () => (await import('./database.ts')).verifyTheDatabase(flags)),
    );
}

function addExport(verify: Command): void {
  verify
    .command('export <file>')
    .description('verify an NDJSON export, plain or .gz, offline; - is standard input')
    .requiredOption('--checkpoint <file...>', 'checkpoints of the log, or of the customer whose export it is')
    .requiredOption(...KEY)
    .option(...TILES)
    .option(
      '--start <position>',
      'the position of the first line, when a purge removed what was before it (needs --tiles)',
      numberOf,
    )
    .option('--ignore-newer', 'pass over lines that are newer than the last checkpoint')
    .option(...JSON_FLAG)
    .addHelpText('after', EXPORT_HELP)
    .action((file: string, { json, ...flags }: ExportFlags & Shown) =>
      printResult(json === true, async () => (await import('./export.ts')).verifyTheExport(file, flags)),
    );
}

function addRemote(verify: Command): void {
  verify
    .command('remote <prefix>')
    .description('verify a log over HTTP, or a copy of its tiles in a folder')
    .option('--key <vkey>', "the log's public key to trust (default: the one that it serves)")
    .option('--customer <id>', "verify the tree of this customer's events in place of the whole log")
    .option('--checkpoint <file...>', 'checkpoints that were kept, which the log must continue')
    .option('--no-entries', 'verify the hashes alone')
    .option(...JSON_FLAG)
    .addHelpText('after', REMOTE_HELP)
    .action((prefix: string, { json, ...flags }: RemoteFlags & Shown) =>
      printResult(json === true, async () => (await import('./remote.ts')).verifyTheRemote(prefix, flags)),
    );
}

function addConsistency(verify: Command): void {
  verify
    .command('consistency <checkpoint> <checkpoint>')
    .description('verify that the later of two checkpoints continues the earlier')
    .requiredOption(...KEY)
    .option('--proof <file>', 'the consistency proof, a line of base64 for each hash')
    .option(...TILES)
    .option(...JSON_FLAG)
    .addHelpText('after', CONSISTENCY_HELP)
    .action((one: string, other: string, { json, ...flags }: ConsistencyFlags & Shown) =>
      printResult(json === true, async () =>
        (await import('./proofs.ts')).verifyTheConsistency([one, other], flags),
      ),
    );
}

function addBundle(verify: Command): void {
  verify
    .command('bundle <file>')
    .description('verify a proof bundle of audit-log prove, offline; - is standard input')
    .requiredOption(...KEY)
    .option('--witness <vkey...>', 'public keys of witnesses that must have cosigned')
    .option('--quorum <count>', 'how many of the witnesses must have (default: all)', numberOf)
    .option(...JSON_FLAG)
    .addHelpText('after', BUNDLE_HELP)
    .action((file: string, { json, ...flags }: BundleFlags & Shown) =>
      printResult(json === true, async () => (await import('./proofs.ts')).verifyTheBundle(file, flags)),
    );
}

function numberOf(text: string): number {
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('It is not a number.');
  return number;
}

export const VERIFY_HELP = `
Without a subcommand it verifies the database.
${EXIT_CODES}`;

export const DATABASE_HELP = `
It works on the database itself, read-only and while a service writes to it: on DATABASE_URL, or on the PostgreSQL under
DATA_DIR (.data by default), which is started for the command when no service runs there. Every event is hashed again
and compared with its leaf hash, its tile and its customer's tree; every tile, tree and checkpoint is computed anew. What
somebody changed who can also sign, or who rewrote the whole log, shows only against a checkpoint that was kept outside.
${EXIT_CODES}`;

export const EXPORT_HELP = `
Every line is hashed as the bytes that it is: the lines must be all events of the tree, unchanged and in order. The whole
log's export goes with the log's checkpoints, a customer's with those of the customer. Take the checkpoint first and
export then, without a filter: lines that are newer than the last checkpoint can be passed over (--ignore-newer), missing
ones cannot. An export appends events itself, so a checkpoint that is taken after it covers more than its lines.

When a purge removed the beginning of the log, the first line is not at position 0: give its position with --start, and
--tiles for the hashes of what was removed. The finding names that position when the export announces the purge.

Which line is wrong can be told where there is a checkpoint before and after it, where a line is not in canonical form,
and exactly with the tree's hashes (--tiles), which need not be trusted: they are held against the checkpoint.

Environment:
  AUDIT_LOG_KEY   a key with the scope events:read, where --tiles is a URL that wants one
${EXIT_CODES}`;

export const REMOTE_HELP = `
The prefix is where /checkpoint and /tile/... are (C2SP tlog-tiles): http://127.0.0.1:4000 for the whole log, and with
--customer ID for a customer's tree below /customers-by-id/. Every tile is held against the checkpoint, every event that
the key may read against its leaf hash, and the log against the checkpoints that were kept.

Environment:
  AUDIT_LOG_KEY   a key with the scope events:read; not needed where evidence is public, and then no events are read
${EXIT_CODES}`;

export const CONSISTENCY_HELP = `
A proof comes from audit-log prove growth FROM TO, or is put together from the tiles of the log.
${EXIT_CODES}`;

export const BUNDLE_HELP = `
It prints the event that is proved.
${EXIT_CODES}`;
