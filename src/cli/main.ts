#!/usr/bin/env node
import { Command } from 'commander';
import { register as registerExport } from './export.ts';
import { register as registerImport } from './import/command.ts';

const program = new Command('audit-log').description('the command line of the audit log');

for (const register of [registerImport, registerExport]) register(program);

await program.parseAsync();
