import type { JsonObject, JsonValue } from '../events/fields.ts';
import { openEnvelopes } from './envelopes.ts';
import { parseExactly, textAt } from './json-values.ts';
import { parseSourceTime, type TimeZone } from './source-time.ts';

/** What the importer needs to know to read the times of syslog lines. */
export interface SyslogClock {
  /** The present, in milliseconds since 1970. A date without a year gets the latest year in which it is not later. */
  nowMs: number;
  /** The year of every date without one; undefined: determined by `nowMs`. */
  year?: number | undefined;
  /** The time zone of times without one. */
  zone: TimeZone;
  /** Whether the user chose the zone. Then the abbreviation of a zone in a line is read as this zone. */
  zoneNamed?: boolean;
  /** Whether the input is live. Then an unfinished attempt is sent after a short time. */
  live?: boolean;
}

/** One line of syslog. */
export interface SyslogLine {
  /** RFC 3339; undefined when the line has no time that can be used. */
  time: string | undefined;
  /** A decision about the time, or the reason why there is none. */
  timeNote?: string | undefined;
  host: string;
  process: string;
  pid: string | undefined;
  message: string;
  /** The id of the entry in its journal. */
  cursor?: string | undefined;
}

type SyslogTime = Pick<SyslogLine, 'time' | 'timeNote'>;

const PRIORITY = /^<\d{1,3}>/;
const BSD = /^([A-Z][a-z]{2})\s+(\d{1,2})\s+(?:(\d{4})\s+)?(\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s+(.*)$/s;
const ISO = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?)\s?(Z|UTC|[+-]\d\d:?\d\d)?\s+(.*)$/s;
/** `journalctl -o short-full`: the day of the week, the time, and the abbreviation of a zone. */
const FULL =
  /^[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,12})?) ([A-Z]{1,5}|[+-]\d\d(?:\d\d)?)\s+(.*)$/s;
/** `journalctl -o short-unix`: seconds since 1970. */
const UNIX = /^(\d{9,11}\.\d{1,9})\s+(.*)$/s;
/** `journalctl -o short-monotonic`: the time since the machine started, without a date. */
const MONOTONIC = /^\[\s*\d+\.\d+\]\s+(.*)$/s;
const RFC5424 = /^1 (\S+) (\S+) (\S+) (\S+) \S+ (?:-|(?:\[[^\]]*\])+) ?(.*)$/s;
const TAGGED = /^(\S+)\s+([^\s:[]+)(?:\[(\d+)\])?:\s?(.*)$/s;
/** BusyBox (Alpine) and some relays write facility and level, such as `auth.info`, before or in place of the host. */
const LEVEL =
  /^(?:(\S+)\s+)?(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7])\.\w+\s+(.*)$/s;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** A date up to a day in the future is in the present year: clocks run ahead, and the time zone may be wrong. */
const TOLERANCE_MS = 86_400_000;
/** 29 February occurs at least once in this many years. */
const LOOK_BACK_YEARS = 8;

/**
 * Parses a line of syslog: the BSD format (RFC 3164, also with a year, fractions of a second, or facility and level as
 * BusyBox writes them), the ISO 8601 format of rsyslog and systemd, RFC 5424, and the formats of journalctl: short,
 * short-full, short-iso, short-precise, short-unix. Returns undefined for other lines.
 */
export function parseSyslog(line: string, clock: SyslogClock): SyslogLine | undefined {
  const text = line.replace(PRIORITY, '');
  const modern = RFC5424.exec(text);
  if (modern !== null) {
    const [, time, host = '', process = '', pid, message = ''] = modern;
    return {
      time: parseSourceTime(time),
      host,
      process,
      pid: pid === '-' ? undefined : pid,
      message: message.trim(),
    };
  }
  const full = FULL.exec(text);
  if (full !== null) return tagged(full[3], zonedTime(full[1] ?? '', full[2] ?? '', clock));
  const unix = UNIX.exec(text);
  if (unix !== null) return tagged(unix[2], { time: parseSourceTime(unix[1]) });
  const iso = ISO.exec(text);
  if (iso !== null) return tagged(iso[3], isoTime(iso[1] ?? '', iso[2], clock));
  const monotonic = MONOTONIC.exec(text);
  if (monotonic !== null) {
    return tagged(monotonic[1], {
      time: undefined,
      timeNote: 'its time counts from the start of the host, without a date',
    });
  }
  const bsd = BSD.exec(text);
  return bsd === null ? undefined : tagged(bsd[6], bsdTime(bsd, clock));
}

function tagged(rest: string | undefined, time: SyslogTime): SyslogLine | undefined {
  const level = LEVEL.exec(rest ?? '');
  // A log without host names is that of the local host.
  const text = level === null ? rest : `${level[1] ?? 'localhost'} ${level[2]}`;
  const match = TAGGED.exec(text ?? '');
  if (match === null) return undefined;
  const [, host = '', process = '', pid, message = ''] = match;
  return { ...time, host, process, pid, message: message.trim() };
}

function isoTime(local: string, offset: string | undefined, clock: SyslogClock): SyslogTime {
  return offset === undefined ? localTime(local, clock) : { time: parseSourceTime(`${local}${offset}`) };
}

/** A time with the abbreviation of a zone. All abbreviations except those of UTC are ambiguous. */
function zonedTime(local: string, abbreviation: string, clock: SyslogClock): SyslogTime {
  if (/^(UTC|GMT|Z)$/.test(abbreviation)) return { time: parseSourceTime(`${local}Z`) };
  if (/^[+-]/.test(abbreviation)) return { time: parseSourceTime(`${local}${abbreviation}`) };
  if (clock.zoneNamed !== true) {
    return { time: undefined, timeNote: `its time zone ${abbreviation} is ambiguous: set --time-zone` };
  }
  const found = localTime(local, clock, abbreviation);
  const note = `its zone ${abbreviation} is read as that of --time-zone`;
  return { time: found.time, timeNote: found.timeNote === undefined ? note : `${note}; ${found.timeNote}` };
}

/** The time at which the clocks of the zone show `local`. */
function localTime(local: string, clock: SyslogClock, abbreviation?: string): SyslogTime {
  const shown = parseSourceTime(`${local}Z`);
  if (shown === undefined) return { time: undefined };
  const { timeMs, note } = clock.zone(Date.parse(shown), abbreviation);
  return { time: new Date(timeMs).toISOString(), timeNote: note };
}

function bsdTime(match: RegExpExecArray, clock: SyslogClock): SyslogTime {
  const [, month = '', day = '', year, time, fraction = '0'] = match;
  const monthNumber = String(MONTHS.indexOf(month) + 1).padStart(2, '0');
  const inYear = (candidate: number) =>
    localTime(`${candidate}-${monthNumber}-${day.padStart(2, '0')}T${time}.${fraction}`, clock);
  const given = year === undefined ? clock.year : Number(year);
  if (given !== undefined) return inYear(given);
  const latest = new Date(clock.nowMs + TOLERANCE_MS).getUTCFullYear();
  for (let candidate = latest; candidate > latest - LOOK_BACK_YEARS; candidate--) {
    const found = inYear(candidate);
    if (found.time !== undefined && Date.parse(found.time) <= clock.nowMs + TOLERANCE_MS) return found;
  }
  return { time: undefined };
}

/** An entry of a line, or the reason why there is none. */
export type LogEntry = SyslogLine | { problem: string };

/** The prefixes of `journalctl -o json-seq` and `-o json-sse`. */
const PREFIXES = ['\u001e', 'data: '];

/** The entries of one line, which is a line of syslog, or a JSON object of a journal or of an envelope around lines. */
export function entriesOf(text: string, clock: SyslogClock): LogEntry[] {
  const prefix = PREFIXES.find((start) => text.startsWith(`${start}{`)) ?? '';
  const line = text.slice(prefix.length);
  if (!line.startsWith('{')) return [parseSyslog(line, clock) ?? { problem: 'not a line of syslog' }];
  try {
    return [...openEnvelopes(parseExactly(line).value)].map((found) => {
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

/** An entry of systemd's journal in the format of `journalctl -o json` ("Journal JSON Format"). */
function journalEntry(record: JsonObject): LogEntry {
  const message = messageOf(record.MESSAGE);
  if (message === undefined) return { problem: 'JSON without a MESSAGE, so not an entry of a journal' };
  return {
    time: parseSourceTime(record.__REALTIME_TIMESTAMP ?? record._SOURCE_REALTIME_TIMESTAMP),
    host: textAt(record, '_HOSTNAME') ?? 'localhost',
    process: textAt(record, 'SYSLOG_IDENTIFIER') ?? textAt(record, '_COMM') ?? 'unknown',
    pid: textAt(record, '_PID') ?? textAt(record, 'SYSLOG_PID'),
    message,
    cursor: textAt(record, '__CURSOR'),
  };
}

/** A journal writes a message that is not UTF-8 as an array of its bytes. */
function messageOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value.trim();
  if (!Array.isArray(value) || !value.every((byte) => typeof byte === 'number')) return undefined;
  return Buffer.from(value as number[])
    .toString('latin1')
    .trim();
}
