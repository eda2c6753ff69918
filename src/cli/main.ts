#!/usr/bin/env node
import { createHash } from 'node:crypto';
import { Command, type CommanderError } from 'commander';
import { LOG_EVENTS } from '../import/send.ts';
import { stopOnSignals } from '../shutdown.ts';
import { EXPORT_LINK, registerExport } from './export.ts';
import { registerImport } from './import.ts';
import { registerKeys } from './keys.ts';
import { BUNDLE, GROWTH, register as registerProve } from './prove.ts';
import { register as registerVerify } from './verify/command.ts';

const SERVE_HELP = `
The same as npm start. Settings are environment variables, all in .env.example with their defaults.

Exit code: 0 after SIGTERM, SIGINT or SIGHUP; 1 when the service could not start, or when its PostgreSQL under DATA_DIR
ended and another service has that folder now (one that just ends is started again).
Errors of the start name the setting; arguments that are wrong end with 2.`;

/** Adds `audit-log serve` to the program. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('run the service')
    .addHelpText('after', SERVE_HELP)
    .action(async () => {
      const stop = stopOnSignals();
      // Loaded when it is wanted: the other commands are faster without a server.
      const { serve } = await import('../serve.ts');
      await serve(stop);
    });
}

const DOCUMENTS_HELP = `
A service with PERSISTED_ONLY=true answers import, export and prove when its file of PERSISTED_DOCUMENTS has these, in the
form in which they are printed: a JSON object of the documents by their SHA-256 in hex.`;

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

const program = new Command('audit-log').description('the command line of the audit log');

/** What `verify` ends with when its arguments are wrong: its 2 says that the evidence does not hold. */
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
await program.parseAsync();

/** Commander ends with 1 when arguments are wrong; 1 of an import means that some records are not in the log. */
function setUsageCode(command: Command, code: number): void {
  command.exitOverride(({ exitCode }: CommanderError) => process.exit(exitCode === 0 ? 0 : code));
  for (const child of command.commands)
    setUsageCode(child, child.name() === 'verify' ? VERIFY_USAGE_CODE : code);
}
