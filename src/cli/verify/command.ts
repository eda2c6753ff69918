import { type Command, InvalidArgumentError } from 'commander';
import type { BundleFlags } from './bundle.ts';
import type { ConsistencyFlags } from './consistency.ts';
import type { DatabaseFlags } from './database.ts';
import type { ExportFlags } from './export.ts';
import {
  BUNDLE_HELP,
  CONSISTENCY_HELP,
  DATABASE_HELP,
  EXPORT_HELP,
  REMOTE_HELP,
  VERIFY_HELP,
} from './help.ts';
import { conclude } from './outcome.ts';
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
      conclude(json === true, async () => (await import('./database.ts')).verifyTheDatabase(flags)),
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
      conclude(json === true, async () => (await import('./export.ts')).verifyTheExport(file, flags)),
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
      conclude(json === true, async () => (await import('./remote.ts')).verifyTheRemote(prefix, flags)),
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
      conclude(json === true, async () =>
        (await import('./consistency.ts')).verifyTheConsistency([one, other], flags),
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
      conclude(json === true, async () => (await import('./bundle.ts')).verifyTheBundle(file, flags)),
    );
}

function numberOf(text: string): number {
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('It is not a number.');
  return number;
}
