import type { JsonObject, JsonValue } from '../../events/event.ts';
import { open } from './envelopes.ts';
import { parseExactly } from './json.ts';
import { textAt } from './record.ts';
import { parseSyslog, type SyslogClock, type SyslogLine } from './syslog.ts';
import { timeOf } from './time.ts';

/** What a line of a log of sshd holds: entries (an envelope may hold several), or why there is none. */
export type Entry = SyslogLine | { problem: string };

/** The prefixes of `journalctl -o json-seq` and `-o json-sse`. */
const PREFIXES = ['\u001e', 'data: '];

/** The entries of one line: a line of syslog, or a JSON object of a journal or of an envelope around lines. */
export function entriesOf(text: string, clock: SyslogClock): Entry[] {
  const prefix = PREFIXES.find((start) => text.startsWith(`${start}{`)) ?? '';
  const line = text.slice(prefix.length);
  if (!line.startsWith('{')) return [parseSyslog(line, clock) ?? { problem: 'not a line of syslog' }];
  try {
    return [...open(parseExactly(line).value)].map((found) => {
      if ('problem' in found) return found;
      if ('text' in found)
        return parseSyslog(found.text.trimEnd(), clock) ?? { problem: 'not a line of syslog' };
      return journalEntry(found.value);
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [{ problem: 'not well-formed JSON' }];
  }
}

/** An entry of systemd's journal as `journalctl -o json` writes it ("Journal JSON Format"). */
function journalEntry(record: JsonObject): Entry {
  const message = messageOf(record.MESSAGE);
  if (message === undefined) return { problem: 'JSON without a MESSAGE: no entry of a journal' };
  return {
    time: timeOf(record.__REALTIME_TIMESTAMP ?? record._SOURCE_REALTIME_TIMESTAMP),
    host: textAt(record, '_HOSTNAME') ?? 'localhost',
    process: textAt(record, 'SYSLOG_IDENTIFIER') ?? textAt(record, '_COMM') ?? 'unknown',
    pid: textAt(record, '_PID') ?? textAt(record, 'SYSLOG_PID'),
    message,
    cursor: textAt(record, '__CURSOR'),
  };
}

/** Messages with bytes that are no text are arrays of numbers. */
function messageOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value.trim();
  if (!Array.isArray(value) || !value.every((byte) => typeof byte === 'number')) return undefined;
  return Buffer.from(value as number[])
    .toString('latin1')
    .trim();
}
