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
const TILES = ['--tiles <prefix>', "the URL or folder that contains the tree's tile/... files"] as const;

interface OutputFlags {
  json?: boolean;
}

/** Adds `audit-log verify` to the program. */
export function register(program: Command): void {
  const verify = program
    .command('verify')
    .description('verify that the log matches what was signed')
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
    .option('--checkpoint <file...>', 'checkpoints from outside the database, also an ANCHOR_FILE')
    .option('--key <vkey>', "the log's public key to trust (default: the one in the database)")
    .option(...JSON_FLAG)
    .addHelpText('after', DATABASE_HELP)
    .action(({ json, ...flags }: DatabaseFlags & OutputFlags) =>
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
      'the position of the first line, when a purge removed the events before it (needs --tiles)',
      numberOf,
    )
    .option('--ignore-newer', 'skip lines that are newer than the last checkpoint')
    .option(...JSON_FLAG)
    .addHelpText('after', EXPORT_HELP)
    .action((file: string, { json, ...flags }: ExportFlags & OutputFlags) =>
      printResult(json === true, async () => (await import('./export.ts')).verifyTheExport(file, flags)),
    );
}

function addRemote(verify: Command): void {
  verify
    .command('remote <prefix>')
    .description('verify a log over HTTP, or a copy of its tiles in a folder')
    .option('--key <vkey>', "the log's public key to trust (default: the one that it serves)")
    .option('--customer <id>', "verify the tree of this customer's events instead of the whole log")
    .option('--checkpoint <file...>', 'saved checkpoints, which the log must continue')
    .option('--no-entries', 'verify the hashes only')
    .option(...JSON_FLAG)
    .addHelpText('after', REMOTE_HELP)
    .action((prefix: string, { json, ...flags }: RemoteFlags & OutputFlags) =>
      printResult(json === true, async () => (await import('./remote.ts')).verifyTheRemote(prefix, flags)),
    );
}

function addConsistency(verify: Command): void {
  verify
    .command('consistency <checkpoint> <checkpoint>')
    .description('verify that the later of two checkpoints continues the earlier')
    .requiredOption(...KEY)
    .option('--proof <file>', 'the consistency proof: one line of base64 per hash')
    .option(...TILES)
    .option(...JSON_FLAG)
    .addHelpText('after', CONSISTENCY_HELP)
    .action((one: string, other: string, { json, ...flags }: ConsistencyFlags & OutputFlags) =>
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
    .action((file: string, { json, ...flags }: BundleFlags & OutputFlags) =>
      printResult(json === true, async () => (await import('./proofs.ts')).verifyTheBundle(file, flags)),
    );
}

function numberOf(text: string): number {
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('It is not a whole number.');
  return number;
}

export const VERIFY_HELP = `
Without a subcommand it verifies the database.
${EXIT_CODES}`;

export const DATABASE_HELP = `
Reads the database directly and changes nothing; a service may write to it meanwhile. The database is DATABASE_URL, or the
PostgreSQL under DATA_DIR (.data by default), which the command starts when no service runs there. It hashes every event
and compares it with its leaf hash, its tile and its customer's tree; it recomputes every tile, tree and checkpoint. Changes
by somebody who can also sign, or who rewrote the whole log, show only against a checkpoint from outside (--checkpoint).
${EXIT_CODES}`;

export const EXPORT_HELP = `
Hashes every line as it is, byte for byte: the lines must be all events of the tree, unchanged and in order. Use checkpoints
of the log for an export of the whole log, and checkpoints of the customer for a customer's export. Take the checkpoint
first and export afterwards, without a filter: lines that are newer than the last checkpoint can be skipped
(--ignore-newer), but missing lines cannot. An export itself appends events, so a later checkpoint covers more than its
lines.

When a purge removed the beginning of the log, the first line is not at position 0: give its position with --start, and
--tiles for the hashes of the removed events. The finding names that position when the export announces the purge.

A wrong line is located between two checkpoints, or when it is not in canonical form. With the tree's hashes (--tiles) it is
located exactly. These need not be trusted: they are compared with the checkpoint.

Environment:
  AUDIT_LOG_KEY   a key with the scope events:read, when --tiles is a URL that requires one
${EXIT_CODES}`;

export const REMOTE_HELP = `
The prefix is the URL before /checkpoint and /tile/... (C2SP tlog-tiles), for example http://127.0.0.1:4000 for the whole
log. --customer ID verifies a customer's tree below /customers-by-id/. Every tile is compared with the checkpoint, every
event that the key may read with its leaf hash, and the log with the saved checkpoints.

Environment:
  AUDIT_LOG_KEY   a key with the scope events:read; with PUBLIC_EVIDENCE not required; without it, no events are read
${EXIT_CODES}`;

export const CONSISTENCY_HELP = `
The proof comes from audit-log prove growth FROM TO, or is computed from the tiles of the log (--tiles).
${EXIT_CODES}`;

export const BUNDLE_HELP = `
Prints the proved event.
${EXIT_CODES}`;
