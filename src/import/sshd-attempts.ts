import type { SshdMessage } from './sshd-messages.ts';
import type { SyslogLine } from './syslog.ts';

/** One line of sshd with what its message reports. */
export interface SshdLine {
  line: number;
  text: string;
  entry: SyslogLine;
  found: SshdMessage;
  /** How often syslog says that the message was repeated. */
  times?: number | undefined;
  /** What had to be done to read it. */
  notes: string[];
}

/** Lines that are one event: an attempt to sign in, a sign-in, the end of a session, or one line by itself. */
export interface LineGroup {
  key: string;
  /** The lines until it was sent. */
  lines: SshdLine[];
  /** The kinds of all its messages. */
  kinds: Set<string>;
  /** An attempt that has its `Failed ...`: what else is tried is another one. */
  failed: boolean;
  family: 'attempt' | 'login' | 'logout' | 'alone';
  /** Passed on as an event: what joins it now is no longer in its details. */
  sent: boolean;
  /** Nothing more is expected. */
  complete: boolean;
  /** When its first line was read, in milliseconds since 1970. */
  sinceMs: number;
}

/** Where a line went: a group of its own, the group of another line, or nowhere. */
export type LineAssignment = { began: LineGroup } | { joined: LineGroup } | { nothing: true };

/** A session of sshd, known by its processes and by the port of its peer. */
interface Session {
  user: string | undefined;
  login?: LineGroup;
  logout?: LineGroup;
}

/** The end of a session is reported within seconds, and groups of other processes come between. */
const LOGOUT_MS = 10_000;
/** How many groups and sessions are remembered; older ones are forgotten, as in a log that was rotated. */
const REMEMBERED = 5_000;

/**
 * Puts lines of sshd together: OpenSSH writes up to six lines for one wrong password and three for one logout. The
 * process is the connection. One attempt has no two messages of a kind, and ends with `Failed ...`; what repeats it
 * (`PAM 2 more authentication failures`, `Disconnected from ... [preauth]`) joins the attempt before.
 */
export class SshdGrouper {
  private readonly attempts = new Recent<LineGroup>();
  private readonly sessions = new Recent<Session>();
  /** The last logouts, to be joined by a line of another process of the same session. */
  private logouts: LineGroup[] = [];

  assign(line: SshdLine, key: () => string): LineAssignment {
    switch (line.found.part) {
      case 'nothing':
        return { nothing: true };
      case 'attempt':
        return this.attempt(line, key);
      case 'summary':
        return this.joinAttempt(line) ?? this.begin(line, 'attempt', key);
      case 'end':
        return this.end(line, key);
      case 'login':
        return this.login(line, key);
      case 'logout':
        return this.logout(line, key);
      case 'close':
        return this.isOfSession(line) ? this.logout(line, key) : { nothing: true };
      case 'step':
        return this.joinAttempt(line) ?? { nothing: true };
      default:
        return this.begin(line, 'alone', key);
    }
  }

  private begin(line: SshdLine, family: LineGroup['family'], key: () => string): { began: LineGroup } {
    const began: LineGroup = {
      key: key(),
      lines: [line],
      kinds: new Set([line.found.kind]),
      failed: line.found.weight === FAILED,
      family,
      sent: false,
      complete: family === 'alone',
      sinceMs: Date.now(),
    };
    if (family === 'attempt') this.attempts.set(processOf(line), began);
    return { began };
  }

  private attempt(line: SshdLine, key: () => string): LineAssignment {
    const open = this.attempts.get(processOf(line));
    if (open === undefined || open.family !== 'attempt' || !belongs(line, open)) {
      if (open !== undefined) open.complete = true;
      return this.begin(line, 'attempt', key);
    }
    return join(line, open);
  }

  private joinAttempt(line: SshdLine): LineAssignment | undefined {
    const open = this.attempts.get(processOf(line));
    return open === undefined ? undefined : join(line, open);
  }

  private end(line: SshdLine, key: () => string): LineAssignment {
    const joined = this.joinAttempt(line);
    if (joined !== undefined) {
      // A disconnect that was received is followed by the disconnection.
      if ('joined' in joined && line.found.kind.startsWith('Connection ended')) joined.joined.complete = true;
      return joined;
    }
    return line.found.user === undefined ? { nothing: true } : this.begin(line, 'attempt', key);
  }

  private login(line: SshdLine, key: () => string): LineAssignment {
    if (line.found.weight === ACCEPTED) return this.accepted(line, key);
    const session = this.sessionOf(line) ?? { user: line.found.user };
    // A process of its own starts what the client asks for in the session of another.
    this.sessions.set(processOf(line), session);
    if (session.login === undefined || hasKind(session.login, line)) {
      const placed = this.begin(line, 'login', key);
      session.login = placed.began;
      return placed;
    }
    session.login.complete = true;
    return join(line, session.login);
  }

  private accepted(line: SshdLine, key: () => string): LineAssignment {
    const process = processOf(line);
    const open = this.attempts.get(process);
    // What one module of PAM refuses another one may accept: no attempt failed before sshd says so.
    const tried =
      open !== undefined && !open.sent && !open.lines.some(({ found }) => found.weight >= REFUSED);
    const placed: LineAssignment = tried ? join(line, open) : this.begin(line, 'login', key);
    const login = 'began' in placed ? placed.began : open;
    if (login !== undefined) login.family = 'login';
    this.attempts.delete(process);
    const session: Session = { user: line.found.user, ...(login === undefined ? {} : { login }) };
    this.sessions.set(process, session);
    const peer = peerOf(line);
    if (peer !== undefined) this.sessions.set(peer, session);
    return placed;
  }

  private logout(line: SshdLine, key: () => string): LineAssignment {
    const session = this.sessionOf(line);
    const known =
      session === undefined ? this.logouts.find((group) => isSameLogout(line, group)) : session.logout;
    // A session closes as often as it was started; any other message of a kind is that of another session.
    const joins = known !== undefined && (!hasKind(known, line) || line.found.weight === CLOSED);
    const group = joins ? known : undefined;
    const placed: LineAssignment = group === undefined ? this.begin(line, 'logout', key) : join(line, group);
    const logout = group ?? ('began' in placed ? placed.began : undefined);
    if (logout === undefined) return placed;
    if (session !== undefined) session.logout = logout;
    else this.sessions.set(processOf(line), { user: line.found.user, logout });
    logout.complete = logout.kinds.size >= LOGOUT_LINES;
    if (group === undefined) this.logouts = [...this.logouts.slice(-MAX_LOGOUTS), logout];
    return placed;
  }

  private sessionOf(line: SshdLine): Session | undefined {
    const peer = peerOf(line);
    return this.sessions.get(processOf(line)) ?? (peer === undefined ? undefined : this.sessions.get(peer));
  }

  /** Whether a connection that ends was one of a session, and its end is not known by such a line yet. */
  private isOfSession(line: SshdLine): boolean {
    const session = this.sessionOf(line);
    if (session === undefined) return this.logouts.some((group) => isSameLogout(line, group));
    return session.logout === undefined || !hasKind(session.logout, line);
  }
}

const ACCEPTED = 9;
const FAILED = 7;
/** `Close session`: of one of the shells, commands and subsystems of a session. */
const CLOSED = 4;
/** What says more than that a module of PAM refused. */
const REFUSED = 5;
/** `Received disconnect`, `Disconnected`, `session closed`. */
const LOGOUT_LINES = 3;
const MAX_LOGOUTS = 100;

function join(line: SshdLine, group: LineGroup): LineAssignment {
  group.kinds.add(line.found.kind);
  group.failed ||= line.found.weight === FAILED;
  if (!group.sent) group.lines.push(line);
  return { joined: group };
}

/** Whether a message can be of the attempt whose lines these are. */
function belongs(line: SshdLine, group: LineGroup): boolean {
  if (hasKind(group, line) || group.failed) return false;
  const user = group.lines.find(({ found }) => found.user !== undefined)?.found.user;
  return user === undefined || line.found.user === undefined || user === line.found.user;
}

function hasKind(group: LineGroup, line: SshdLine): boolean {
  return group.kinds.has(line.found.kind);
}

/** Whether a line of another process ends the same session: the same user, at the same time. */
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
  private young = new Map<string, Value>();
  private old = new Map<string, Value>();

  get(key: string): Value | undefined {
    return this.young.get(key) ?? this.old.get(key);
  }

  set(key: string, value: Value): void {
    if (this.young.size >= REMEMBERED) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }

  delete(key: string): void {
    this.young.delete(key);
    this.old.delete(key);
  }
}
