import { destination, type Logger, pino } from 'pino';
import { type AuditError, conditionOf } from '../errors.ts';

/**
 * Opens the service's own log: JSON lines on standard output, written without waiting for its reader. The code that ends
 * the process flushes the log first.
 *
 * The stream has no `flushSync`: pino would call it after each fatal line, and stop the whole process until the reader of
 * standard output has taken the line.
 */
export function openOperatorLog(level: string): Logger {
  const output = destination({ sync: false });
  const stream = {
    write: (line: string) => output.write(line),
    flush: (done: () => void) => output.flush(done),
  };
  return pino({ level }, stream);
}

/** Shortest time between two lines about the same condition. */
const QUIET_MS = 5_000;

interface LastReport {
  at: number;
  /** How many errors since then have no line. */
  more: number;
}

const lastReports = new WeakMap<Logger, Map<string, LastReport>>();

/**
 * Logs the database error behind an error response, if there is one. During an outage every request fails, so each condition
 * of the database is logged every five seconds at most, with the number of errors in between.
 */
export function logOutage(log: Logger, shown: AuditError, requestId: string): void {
  const { cause } = shown;
  const condition = conditionOf(cause);
  if (condition === undefined) return;
  const reports = lastReports.get(log) ?? new Map<string, LastReport>();
  lastReports.set(log, reports);
  const last = reports.get(condition);
  const at = performance.now();
  if (last && at - last.at < QUIET_MS) {
    last.more += 1;
    return;
  }
  reports.set(condition, { at, more: 0 });
  // Only the last line of the message: the error object may hold the whole connection.
  const { message } = cause as Error;
  log.error(
    {
      condition,
      cause: message.split('\n').at(-1),
      code: shown.code,
      requestId,
      alsoRefused: last?.more ?? 0,
    },
    'a request was refused: the database had a problem',
  );
}
