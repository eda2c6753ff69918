import { type Logger, pino } from 'pino';

/** A line of the service's own log. */
export interface LogLine {
  level: number;
  msg: string;
  [name: string]: unknown;
}

/** A structured log that keeps what is written to it. */
export function keepLog(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = pino({ level: 'trace' }, { write: (text: string) => lines.push(JSON.parse(text) as LogLine) });
  return { log, lines };
}
