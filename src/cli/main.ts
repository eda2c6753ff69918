#!/usr/bin/env node
import { createHash } from 'node:crypto';
import { Command, type CommanderError } from 'commander';
import { loadEnvFile } from '../env-file.ts';
import { LOG_EVENTS } from '../import/send.ts';
import { stopOnSignals } from '../shutdown.ts';
import { EXPORT_LINK, registerExport } from './export.ts';
import { registerImport } from './import.ts';
import { registerKeys } from './keys.ts';
import { printMessage } from './messages.ts';
import { BUNDLE, GROWTH, register as registerProve } from './prove.ts';
import { register as registerVerify } from './verify/command.ts';

const SERVE_HELP = `
The same as npm start. Settings are environment variables and lines of .env, all in .env.example with their defaults.

Exit code: 0 after SIGTERM, SIGINT or SIGHUP; 1 when the service could not start, or when its PostgreSQL under DATA_DIR
ended and another service uses that folder (otherwise that PostgreSQL is restarted); 2 when the arguments are wrong.
An error of the start names the setting.`;

/** Adds `audit-log serve` to the program. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('run the service')
    .addHelpText('after', SERVE_HELP)
    .action(async () => {
      const stop = stopOnSignals();
      // Imported here, not at the top: the other commands start faster without the server.
      const { serve } = await import('../serve.ts');
      await serve(stop);
    });
}

const DOCUMENTS_HELP = `
A service with PERSISTED_ONLY=true accepts import, export and prove when its PERSISTED_DOCUMENTS file contains these
documents. The output has the form of that file: a JSON object of documents by their SHA-256 in hex.`;

/** Adds `audit-log documents` to the program. */
export function registerDocuments(program: Command): void {
  program
    .command('documents')
    .description('print the GraphQL documents of these commands, for PERSISTED_DOCUMENTS')
    .addHelpText('after', DOCUMENTS_HELP)
    .action(() => {
      const documents = [LOG_EVENTS, EXPORT_LINK, BUNDLE, GROWTH];
      const byHash = Object.fromEntries(documents.map((text) => [sha256(text), text]));
      process.stdout.write(`${JSON.stringify(byHash, null, 2)}\n`);
    });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const HELP = `
npx audit-log runs this program in a checkout of the project, and in a project that has the package installed. Anywhere
else, npx downloads and runs an unrelated package of that name. The program is therefore also called
graphql-audit-log, like its package.`;

const program = new Command('audit-log')
  .description('the command line of the audit log')
  .addHelpText('after', HELP);

/** The exit code of `verify` for wrong arguments: its 2 means that the evidence does not hold. */
const VERIFY_USAGE_CODE = 1;
const USAGE_CODE = 2;

const commands = [
  registerServe,
  registerImport,
  registerExport,
  registerKeys,
  registerProve,
  registerVerify,
  registerDocuments,
];
for (const register of commands) register(program);

setUsageCode(program, USAGE_CODE);
program.hook('preAction', (_, command) => readSettings(command));
await program.parseAsync();

/** Replaces commander's exit code 1 for wrong arguments: 1 of an import means that some records are not in the log. */
function setUsageCode(command: Command, code: number): void {
  command.exitOverride(({ exitCode }: CommanderError) => process.exit(exitCode === 0 ? 0 : code));
  for (const child of command.commands)
    setUsageCode(child, child.name() === 'verify' ? VERIFY_USAGE_CODE : code);
}

/** Reads the file of settings for a command; `serve` does so by itself. */
function readSettings(command: Command): void {
  const path = [command, ...ancestorsOf(command)].map((one) => one.name());
  if (path.includes('serve')) return;
  try {
    loadEnvFile();
  } catch (error) {
    printMessage(`audit-log: ${(error as Error).message}`);
    process.exit(path.includes('verify') ? VERIFY_USAGE_CODE : USAGE_CODE);
  }
}

function ancestorsOf({ parent }: Command): Command[] {
  return parent ? [parent, ...ancestorsOf(parent)] : [];
}
