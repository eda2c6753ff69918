import { createHash } from 'node:crypto';
import type { Command } from 'commander';
import { EXPORT_LINK } from './export.ts';
import { LOG_EVENTS } from './import/send.ts';
import { BUNDLE, GROWTH } from './prove.ts';

const HELP = `
A service with PERSISTED_ONLY=true answers import, export and prove when its file of PERSISTED_DOCUMENTS has these, in the
form in which they are printed: a JSON object of the documents by their SHA-256 in hex.`;

/** Adds `audit-log documents` to the program. */
export function register(program: Command): void {
  program
    .command('documents')
    .description('print the GraphQL documents of these commands, for PERSISTED_DOCUMENTS')
    .addHelpText('after', HELP)
    .action(() => {
      const documents = [LOG_EVENTS, EXPORT_LINK, BUNDLE, GROWTH];
      const byHash = Object.fromEntries(documents.map((text) => [sha256(text), text]));
      process.stdout.write(`${JSON.stringify(byHash, null, 2)}\n`);
    });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
