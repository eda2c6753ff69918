#!/usr/bin/env node
import { Command, type CommanderError } from 'commander';
import { register as registerDocuments } from './documents.ts';
import { register as registerExport } from './export.ts';
import { register as registerImport } from './import/command.ts';
import { register as registerKeys } from './keys/command.ts';
import { register as registerProve } from './prove.ts';
import { register as registerServe } from './serve.ts';
import { register as registerVerify } from './verify/command.ts';

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
