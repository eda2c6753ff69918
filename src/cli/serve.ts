import type { Command } from 'commander';
import { stopOnSignals } from '../shutdown.ts';

const HELP = `
The same as npm start. Settings are environment variables, all in .env.example with their defaults.

Exit code: 0 after SIGTERM, SIGINT or SIGHUP; 1 when the service could not start, or when its PostgreSQL under DATA_DIR
ended and another service has that folder now (one that just ends is started again).
Errors of the start name the setting; arguments that are wrong end with 2.`;

/** Adds `audit-log serve` to the program. */
export function register(program: Command): void {
  program
    .command('serve')
    .description('run the service')
    .addHelpText('after', HELP)
    .action(async () => {
      const stop = stopOnSignals();
      // Loaded when it is wanted: the other commands are faster without a server.
      const { serve } = await import('../serve.ts');
      await serve(stop);
    });
}
