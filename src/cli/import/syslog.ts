import { timeOf } from './time.ts';

/** What a syslog line leaves out and the importer has to know. */
export interface SyslogClock {
  /** Milliseconds since 1970; a date without year is put into the last year in which it is not after this. */
  nowMs: number;
  /** The year of every date without one; undefined: as `nowMs` says. */
  year?: number | undefined;
  /** The offset of times without one: `Z`, `+02:00`, `-0530`. */
  offset: string;
}

/** One line of syslog. */
export interface SyslogLine {
  /** RFC 3339, or undefined when the line has a date that does not exist. */
  time: string | undefined;
  host: string;
  process: string;
  pid: string | undefined;
  message: string;
}

const PRIORITY = /^<\d{1,3}>/;
const BSD = /^([A-Z][a-z]{2})\s+(\d{1,2})\s+(?:(\d{4})\s+)?(\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s+(.*)$/s;
const ISO = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?)\s?(Z|UTC|[+-]\d\d:?\d\d)?\s+(.*)$/s;
const RFC5424 = /^1 (\S+) (\S+) (\S+) (\S+) \S+ (?:-|(?:\[[^\]]*\])+) ?(.*)$/s;
const TAGGED = /^(\S+)\s+([^\s:[]+)(?:\[(\d+)\])?:\s?(.*)$/s;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Clocks of hosts run ahead, and time zones are guessed: a day in the future is no other year. */
const TOLERANCE_MS = 86_400_000;
/** 29 February comes at least once in this many years. */
const LOOK_BACK_YEARS = 8;

/**
 * Reads a line of syslog: BSD form (RFC 3164, also with a year or fractions of a second), ISO 8601 form (rsyslog's
 * and systemd's), or RFC 5424. Undefined: the line has none of these forms.
 */
export function parseSyslog(line: string, clock: SyslogClock): SyslogLine | undefined {
  const text = line.replace(PRIORITY, '');
  const modern = RFC5424.exec(text);
  if (modern !== null) {
    const [, time, host = '', process = '', pid, message = ''] = modern;
    return { time: timeOf(time), host, process, pid: pid === '-' ? undefined : pid, message: message.trim() };
  }
  const iso = ISO.exec(text);
  if (iso !== null) return tagged(iso[3], timeOf(`${iso[1]}${iso[2] ?? clock.offset}`));
  const bsd = BSD.exec(text);
  return bsd === null ? undefined : tagged(bsd[6], bsdTime(bsd, clock));
}

function tagged(rest: string | undefined, time: string | undefined): SyslogLine | undefined {
  const match = TAGGED.exec(rest ?? '');
  if (match === null) return undefined;
  const [, host = '', process = '', pid, message = ''] = match;
  return { time, host, process, pid, message: message.trim() };
}

function bsdTime(match: RegExpExecArray, clock: SyslogClock): string | undefined {
  const [, month = '', day = '', year, time, fraction = '0'] = match;
  const monthNumber = MONTHS.indexOf(month) + 1;
  const inYear = (candidate: number) =>
    timeOf(
      `${candidate}-${String(monthNumber).padStart(2, '0')}-${day.padStart(2, '0')}T${time}.${fraction}${clock.offset}`,
    );
  const given = year === undefined ? clock.year : Number(year);
  if (given !== undefined) return inYear(given);
  const latest = new Date(clock.nowMs + TOLERANCE_MS).getUTCFullYear();
  for (let candidate = latest; candidate > latest - LOOK_BACK_YEARS; candidate--) {
    const found = inYear(candidate);
    if (found !== undefined && Date.parse(found) <= clock.nowMs + TOLERANCE_MS) return found;
  }
  return undefined;
}
