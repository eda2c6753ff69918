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

/** Time between two lines about the same. */
const QUIET_MS = 5_000;

interface LastReport {
  at: number;
  /** Refusals since, of which no line tells. */
  more: number;
}

const lastReports = new WeakMap<Logger, Map<string, LastReport>>();

/**
 * Logs the cause of a refusal that the client is told nothing of, if it has one. During an outage every request is
 * refused: of the same state there is a line every five seconds at most, which counts those between.
 */
export function logOutage(log: Logger, refusal: AuditError, requestId: string): void {
  const { cause } = refusal;
  const condition = conditionOf(cause);
  if (condition === undefined) return;
  const said = lastReports.get(log) ?? new Map<string, LastReport>();
  lastReports.set(log, said);
  const last = said.get(condition);
  const at = performance.now();
  if (last && at - last.at < QUIET_MS) {
    last.more += 1;
    return;
  }
  said.set(condition, { at, more: 0 });
  // The error's own text alone: the object may carry the whole connection.
  const { message } = cause as Error;
  log.error(
    {
      condition,
      cause: message.split('\n').at(-1),
      code: refusal.code,
      requestId,
      alsoRefused: last?.more ?? 0,
    },
    'a request was refused: the database had a problem',
  );
}
