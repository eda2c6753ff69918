import { type SshdMessage, WEIGHT } from './sshd-messages.ts';
import type { SyslogLine } from './syslog.ts';

/** One line of sshd with its parsed message. */
export interface SshdLine {
  line: number;
  text: string;
  entry: SyslogLine;
  found: SshdMessage;
  /** The number of repetitions that syslog reports. */
  times?: number | undefined;
  /** Notes about its encoding and time, for the event. */
  notes: string[];
}

/** The lines of one event: an attempt to sign in, a sign-in, the end of a session, or a single line. */
export interface LineGroup {
  key: string;
  /** The lines that arrived before it was sent. */
  lines: SshdLine[];
  /** The kinds of all its messages, also of those that arrived later. */
  kinds: Set<string>;
  /** Whether it has a `Failed ...` line, so that the next attempt of its process is another one. */
  failed: boolean;
  family: 'attempt' | 'login' | 'logout' | 'alone';
  /** Whether its event was sent. Lines that join later are not in the details of the event. */
  sent: boolean;
  /** Whether no more lines are expected. */
  complete: boolean;
  /** The time at which its first line was read, in milliseconds since 1970. */
  sinceMs: number;
}

/** The group of a line: a new one, that of an earlier line, or none. */
export type LineAssignment = { began: LineGroup } | { joined: LineGroup } | { nothing: true };

/** A session of sshd, identified by its processes and by the port of its peer. */
interface Session {
  user: string | undefined;
  login?: LineGroup;
  logout?: LineGroup;
}

/** The longest time between the lines that report the end of one session. */
const LOGOUT_MS = 10_000;
/** The number of groups and sessions that are remembered. */
const REMEMBERED = 5_000;

/**
 * Groups the lines of sshd into events. OpenSSH writes up to six lines for one wrong password and three for one logout.
 * A line is assigned by the part of its message (`SshdPart`):
 *
 * - `attempt`: joins the open attempt of its process, which is one connection. It begins another attempt if the open one
 *   has a message of the same kind, has its `Failed ...` line, or names another user.
 * - `summary` and `end`: join the last attempt of the process, or begin one. An `end` without a user begins none.
 * - `step`: joins the last attempt of the process, or is dropped.
 * - `login`: `Accepted ...` turns the open attempt into a sign-in, unless that attempt has failed, or begins a sign-in.
 *   Later lines join the sign-in of their session.
 * - `logout`: joins the logout of its session, or begins one.
 * - `close`: as `logout` if the connection had a session, otherwise dropped.
 */
export class SshdGrouper {
  readonly #attempts = new Recent<LineGroup>();
  readonly #sessions = new Recent<Session>();
  /** The last logouts, which lines of other processes of the same session may join. */
  #logouts: LineGroup[] = [];

  assign(line: SshdLine, key: () => string): LineAssignment {
    switch (line.found.part) {
      case 'nothing':
        return { nothing: true };
      case 'attempt':
        return this.#attempt(line, key);
      case 'summary':
        return this.#joinAttempt(line) ?? this.#begin(line, 'attempt', key);
      case 'end':
        return this.#end(line, key);
      case 'login':
        return this.#login(line, key);
      case 'logout':
        return this.#logout(line, key);
      case 'close':
        return this.#isOfSession(line) ? this.#logout(line, key) : { nothing: true };
      case 'step':
        return this.#joinAttempt(line) ?? { nothing: true };
      default:
        return this.#begin(line, 'alone', key);
    }
  }

  #begin(line: SshdLine, family: LineGroup['family'], key: () => string): { began: LineGroup } {
    const began: LineGroup = {
      key: key(),
      lines: [line],
      kinds: new Set([line.found.kind]),
      failed: line.found.effect === 'fails',
      family,
      sent: false,
      complete: family === 'alone',
      sinceMs: Date.now(),
    };
    if (family === 'attempt') this.#attempts.set(processOf(line), began);
    return { began };
  }

  #attempt(line: SshdLine, key: () => string): LineAssignment {
    const open = this.#attempts.get(processOf(line));
    if (open === undefined || open.family !== 'attempt' || !belongs(line, open)) {
      if (open !== undefined) open.complete = true;
      return this.#begin(line, 'attempt', key);
    }
    return join(line, open);
  }

  #joinAttempt(line: SshdLine): LineAssignment | undefined {
    const open = this.#attempts.get(processOf(line));
    return open === undefined ? undefined : join(line, open);
  }

  #end(line: SshdLine, key: () => string): LineAssignment {
    const joined = this.#joinAttempt(line);
    if (joined !== undefined) {
      // The end of the connection is the last line of an attempt; `Disconnect received` is not.
      if ('joined' in joined && line.found.kind.startsWith('Connection ended')) joined.joined.complete = true;
      return joined;
    }
    return line.found.user === undefined ? { nothing: true } : this.#begin(line, 'attempt', key);
  }

  #login(line: SshdLine, key: () => string): LineAssignment {
    if (line.found.effect === 'signs-in') return this.#accepted(line, key);
    const session = this.#sessionOf(line) ?? { user: line.found.user };
    // sshd starts the shell or command of a session in another process.
    this.#sessions.set(processOf(line), session);
    if (session.login === undefined || hasKind(session.login, line)) {
      const placed = this.#begin(line, 'login', key);
      session.login = placed.began;
      return placed;
    }
    session.login.complete = true;
    return join(line, session.login);
  }

  #accepted(line: SshdLine, key: () => string): LineAssignment {
    const process = processOf(line);
    const open = this.#attempts.get(process);
    // One PAM module may accept what another refused: only a verdict of sshd fails an attempt.
    const tried =
      open !== undefined && !open.sent && !open.lines.some(({ found }) => found.weight >= WEIGHT.verdict);
    const placed: LineAssignment = tried ? join(line, open) : this.#begin(line, 'login', key);
    const login = 'began' in placed ? placed.began : open;
    if (login !== undefined) login.family = 'login';
    this.#attempts.delete(process);
    const session: Session = { user: line.found.user, ...(login === undefined ? {} : { login }) };
    this.#sessions.set(process, session);
    const peer = peerOf(line);
    if (peer !== undefined) this.#sessions.set(peer, session);
    return placed;
  }

  #logout(line: SshdLine, key: () => string): LineAssignment {
    const session = this.#sessionOf(line);
    const known =
      session === undefined ? this.#logouts.find((group) => isSameLogout(line, group)) : session.logout;
    // A session closes several channels. Any other second message of a kind belongs to another session.
    const joins = known !== undefined && (!hasKind(known, line) || line.found.effect === 'closes-channel');
    const group = joins ? known : undefined;
    const placed: LineAssignment = group === undefined ? this.#begin(line, 'logout', key) : join(line, group);
    const logout = group ?? ('began' in placed ? placed.began : undefined);
    if (logout === undefined) return placed;
    if (session !== undefined) session.logout = logout;
    else this.#sessions.set(processOf(line), { user: line.found.user, logout });
    logout.complete = logout.kinds.size >= LOGOUT_LINES;
    if (group === undefined) this.#logouts = [...this.#logouts.slice(-MAX_LOGOUTS), logout];
    return placed;
  }

  #sessionOf(line: SshdLine): Session | undefined {
    const peer = peerOf(line);
    return this.#sessions.get(processOf(line)) ?? (peer === undefined ? undefined : this.#sessions.get(peer));
  }

  /** Whether the connection had a session whose logout has no line of this kind yet. */
  #isOfSession(line: SshdLine): boolean {
    const session = this.#sessionOf(line);
    if (session === undefined) return this.#logouts.some((group) => isSameLogout(line, group));
    return session.logout === undefined || !hasKind(session.logout, line);
  }
}

/** `Received disconnect`, `Disconnected`, `session closed`. */
const LOGOUT_LINES = 3;
const MAX_LOGOUTS = 100;

function join(line: SshdLine, group: LineGroup): LineAssignment {
  group.kinds.add(line.found.kind);
  group.failed ||= line.found.effect === 'fails';
  if (!group.sent) group.lines.push(line);
  return { joined: group };
}

/** Whether a line can belong to an open attempt. */
function belongs(line: SshdLine, group: LineGroup): boolean {
  if (hasKind(group, line) || group.failed) return false;
  const user = group.lines.find(({ found }) => found.user !== undefined)?.found.user;
  return user === undefined || line.found.user === undefined || user === line.found.user;
}

function hasKind(group: LineGroup, line: SshdLine): boolean {
  return group.kinds.has(line.found.kind);
}

/** Whether a line of another process reports the same logout: the same user or process, at about the same time. */
function isSameLogout(line: SshdLine, group: LineGroup): boolean {
  if (hasKind(group, line)) return false;
  return group.lines.some(
    ({ entry, found }) =>
      entry.host === line.entry.host &&
      (entry.pid === line.entry.pid || (found.user !== undefined && found.user === line.found.user)) &&
      Math.abs(Date.parse(entry.time ?? '') - Date.parse(line.entry.time ?? '')) <= LOGOUT_MS,
  );
}

function processOf({ entry }: SshdLine): string {
  return `${entry.host}[${entry.pid ?? ''}]`;
}

function peerOf({ entry, found }: SshdLine): string | undefined {
  const { port } = found.details;
  return port === undefined || found.address === undefined
    ? undefined
    : `${entry.host} ${found.address} ${port}`;
}

/** A map that forgets its oldest half when it is full. */
class Recent<Value> {
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= REMEMBERED) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
