import { destination, type Logger, pino } from 'pino';

/**
 * Opens the operator's log, JSON lines on standard output that do not wait for it. Whoever ends the process flushes it.
 *
 * Events of severity CRITICAL are written as fatal. After those pino would wait, with everything else, until the disk has
 * the line, as before an end; without `flushSync` on what it writes to, it does not.
 */
export function openOperatorLog(level: string): Logger {
  const output = destination({ sync: false });
  const stream = {
    write: (line: string) => output.write(line),
    flush: (done: () => void) => output.flush(done),
  };
  return pino({ level }, stream);
}
