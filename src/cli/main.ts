#!/usr/bin/env node
import { Command } from 'commander';
import { register as registerExport } from './export.ts';
import { register as registerImport } from './import/command.ts';
import { register as registerKeys } from './keys/command.ts';
import { register as registerProve } from './prove.ts';
import { register as registerServe } from './serve.ts';
import { register as registerVerify } from './verify/command.ts';

const program = new Command('audit-log').description('the command line of the audit log');

const commands = [registerServe, registerImport, registerExport, registerKeys, registerProve, registerVerify];
for (const register of commands) register(program);

await program.parseAsync();
