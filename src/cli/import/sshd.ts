import { eventOf } from './draft.ts';
import type { Mapped } from './input.ts';
import { readMessage, type SshdMessage } from './sshd-messages.ts';
import { parseSyslog, type SyslogClock, type SyslogLine } from './syslog.ts';

const SSHD = /^(?:.*\/)?sshd(?:-session|-auth)?$/;
const REPEATED = /^message repeated (\d+) times: \[\s?(.*)\]$/s;

/**
 * The event of one line that OpenSSH's server wrote to syslog. Lines of other programs and messages that report
 * nothing of their own are unmapped with the reason. The process is the session: OpenSSH has one for each connection.
 */
export function mapSshd(line: string, clock: SyslogClock): Mapped {
  const entry = parseSyslog(line, clock);
  if (entry === undefined) return { unmapped: 'not a line of syslog' };
  if (!SSHD.test(entry.process)) return { unmapped: `a line of ${entry.process.slice(0, 60)}, not of sshd` };
  if (entry.time === undefined) return { unmapped: 'its date does not exist' };
  const [, times, inner] = REPEATED.exec(entry.message) ?? [];
  const text = inner ?? entry.message;
  const found = readMessage(text);
  if (found === undefined) return { unmapped: `no event is known for the message "${shape(text)}"` };
  return { input: inputOf({ line, entry, found, times: times === undefined ? undefined : Number(times) }) };
}

function inputOf(what: { line: string; entry: SyslogLine; found: SshdMessage; times: number | undefined }) {
  const { line, entry, found, times } = what;
  const repeated = times === undefined ? '' : ` (repeated ${times} times)`;
  return eventOf({
    eventType: found.eventType,
    outcome: found.outcome,
    severity: found.severity,
    action: found.action,
    description: `${describe(found, entry.host)}${repeated}`,
    time: entry.time,
    address: found.address,
    userId: found.user,
    sessionId: entry.pid === undefined ? undefined : `${entry.host}[${entry.pid}]`,
    resourceType: 'host',
    resourceId: entry.host,
    details: {
      format: 'sshd',
      line,
      host: entry.host,
      process: entry.process,
      ...(entry.pid === undefined ? {} : { pid: Number(entry.pid) }),
      ...found.details,
      ...(times === undefined ? {} : { repeated: times }),
    },
  });
}

function describe(found: SshdMessage, host: string): string {
  const who = found.user === undefined ? '' : `: ${found.user}`;
  const where = found.address === undefined ? '' : ` from ${found.address}`;
  return `${found.saying}${who}${where} at ${host}`;
}

/** A message without its numbers and addresses, so that equal reasons are counted together. */
function shape(message: string): string {
  return message.replace(/[0-9a-f.:]*\d[0-9a-f.:]*/gi, '#').slice(0, 80);
}
