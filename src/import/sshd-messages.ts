import type { JsonObject } from '../events/fields.ts';
import type { AuditOutcome, AuditSeverity, BuiltInEventType } from './event-input.ts';

/**
 * What a message is a part of. `attempt`: one try to sign in, whose messages come from one process; `login`: a sign-in
 * that succeeded and its session; `logout`: the end of a session; `summary`: repeats what the attempts before it said;
 * `end`: the end of a connection before a sign-in; `close`: the end of a connection, of a session only if there was one;
 * `step`: an attempt that goes on; `nothing`: reports nothing of its own.
 */
export type SshdPart = 'attempt' | 'login' | 'logout' | 'summary' | 'end' | 'close' | 'step' | 'nothing';

/** What a message of sshd reports. */
export interface SshdMessage {
  eventType: BuiltInEventType;
  outcome: AuditOutcome;
  severity: AuditSeverity;
  /** The name of what happened, for example `sshd.failed_password`. */
  action: string;
  /** The start of a sentence: `Failed password`. */
  saying: string;
  user?: string | undefined;
  address?: string | undefined;
  /** Port, method, key fingerprint and the like. */
  details: JsonObject;
  /** Undefined: an event by itself. */
  part?: SshdPart | undefined;
  /** How much the message says of what it is a part of: the one that says most gives the event its type and name. */
  weight: number;
  /** The kind of the message: one attempt has no two of a kind. */
  kind: string;
}

interface Pattern {
  /** Named groups: user, address, port, and whatever else goes to the details. */
  pattern: RegExp;
  eventType: BuiltInEventType;
  outcome: AuditOutcome;
  severity: AuditSeverity;
  saying: string;
  part?: SshdPart;
  weight?: number;
}

/** A pattern whose messages are a part of something. */
function part(name: SshdPart, weight: number, pattern: Pattern): Pattern {
  return { ...pattern, part: name, weight };
}

const FROM = String.raw`from (?<address>\S+)(?: port (?<port>\d+))?`;
const END = String.raw`(?: ssh2?)?(?<preauth> \[preauth\])?\s*$`;

function login(pattern: string, saying: string): Pattern {
  return {
    pattern: new RegExp(pattern),
    eventType: 'AUTH_LOGIN',
    outcome: 'SUCCESS',
    severity: 'INFO',
    saying,
  };
}

function failed(pattern: string, saying: string, severity: AuditSeverity = 'WARNING'): Pattern {
  return {
    pattern: new RegExp(pattern),
    eventType: 'AUTH_LOGIN_FAILED',
    outcome: 'FAILURE',
    severity,
    saying,
  };
}

function denied(
  pattern: string,
  saying: string,
  eventType: BuiltInEventType = 'AUTHZ_PERMISSION_DENIED',
): Pattern {
  return { pattern: new RegExp(pattern), eventType, outcome: 'DENIED', severity: 'WARNING', saying };
}

/** Too many failures have locked an account: by itself an alert, beside the failures. */
function locked(pattern: string): Pattern {
  return {
    pattern: new RegExp(pattern),
    eventType: 'SECURITY_ALERT',
    outcome: 'DENIED',
    severity: 'WARNING',
    saying: 'Account locked',
  };
}

/** What sshd writes at higher log levels about connections, whose sign-ins have lines of their own. */
function nothing(pattern: string): Pattern {
  return part('nothing', 0, plain(pattern, 'SYSTEM_STARTUP', 'Connection'));
}

/** A peer that does not speak SSH as a client would: scanners and broken clients. */
function alert(pattern: string, saying: string): Pattern {
  return {
    pattern: new RegExp(pattern),
    eventType: 'SECURITY_ALERT',
    outcome: 'FAILURE',
    severity: 'WARNING',
    saying,
  };
}

function plain(pattern: string, eventType: BuiltInEventType, saying: string): Pattern {
  return { pattern: new RegExp(pattern), eventType, outcome: 'SUCCESS', severity: 'INFO', saying };
}

/**
 * The messages of OpenSSH (auth.c, auth2.c, sshd.c, packet.c, monitor.c) and of PAM within it. A user name is what
 * the client sent and may contain ` from 192.0.2.1`: each pattern is anchored at its end and takes the longest name,
 * so that the address is the one that sshd wrote.
 */
const PATTERNS: readonly Pattern[] = [
  part(
    'login',
    9,
    login(
      String.raw`^Accepted (?<method>\S+) for (?:invalid user )?(?<user>.*) ${FROM}(?: ssh2?)?(?:: (?<key>.*))?$`,
      'Accepted sign-in',
    ),
  ),
  part(
    'attempt',
    7,
    failed(
      String.raw`^(?:error: )?Failed (?<method>\S+) for (?<invalid>invalid user |illegal user )?(?<user>.*) ${FROM}(?: ssh2?)?(?:: (?<key>.*))?$`,
      'Failed sign-in',
    ),
  ),
  part(
    'step',
    1,
    plain(
      String.raw`^(?:Postponed|Partial) (?<method>\S+) for (?<invalid>invalid user |illegal user )?(?<user>.*) ${FROM}(?: ssh2?)?(?<preauth> \[preauth\])?(?:: (?<key>.*))?$`,
      'AUTH_SESSION_CREATED',
      'Sign-in goes on',
    ),
  ),
  part('attempt', 3, failed(`^(?:Invalid|Illegal) user (?<user>.*?) ?${FROM}${END}`, 'Invalid user')),
  part(
    'attempt',
    2,
    failed(
      String.raw`^input_userauth_request: (?:invalid|illegal) user (?<user>.*?)(?<preauth> \[preauth\])?$`,
      'Invalid user',
    ),
  ),
  part(
    'attempt',
    5,
    failed(
      String.raw`^(?:error: )?PAM: (?<reason>.+?) for (?<invalid>illegal user |invalid user )?(?<user>.*) from (?<address>\S+?)(?: via (?<via>\S+))?$`,
      'PAM failure',
    ),
  ),
  part(
    'attempt',
    4,
    failed(
      String.raw`^(?:(?<module>pam_\w+)\(sshd:auth\): |PAM (?<more>\d+) more )authentication failures?;.*? rhost=(?<address>\S*)(?:\s+user=(?<user>.*))?$`,
      'PAM authentication failure',
    ),
  ),
  part(
    'attempt',
    1,
    failed(
      String.raw`^(?<module>pam_\w+)\(sshd:auth\): (?<reason>check pass; user unknown|.*received for user (?<user>\S+): .*)$`,
      'PAM authentication failure',
    ),
  ),
  part(
    'summary',
    2,
    failed(
      String.raw`^PAM service\(sshd\) ignoring max retries; (?<reason>.*)$`,
      'Too many authentication failures',
    ),
  ),
  part(
    'login',
    5,
    plain(
      String.raw`^pam_\w+\(sshd:session\): session opened for user (?<user>[^\s(]+)(?:\(uid=(?<uid>\d+)\))?(?: by .*)?$`,
      'AUTH_SESSION_CREATED',
      'Session opened',
    ),
  ),
  part(
    'logout',
    5,
    plain(
      String.raw`^pam_\w+\(sshd:session\): session closed for user (?<user>\S+)$`,
      'AUTH_LOGOUT',
      'Session closed',
    ),
  ),
  part(
    'login',
    4,
    plain(
      String.raw`^Starting session: (?<what>.+?) for (?<user>.*) ${FROM}(?: id \d+)?$`,
      'AUTH_SESSION_CREATED',
      'Session started',
    ),
  ),
  part(
    'logout',
    4,
    plain(String.raw`^Close session: user (?<user>.*) ${FROM}(?: id \d+)?$`, 'AUTH_LOGOUT', 'Session closed'),
  ),
  part(
    'summary',
    3,
    failed(
      `^(?:error: )?maximum authentication attempts exceeded for (?<invalid>invalid user )?(?<user>.*) ${FROM}${END}`,
      'Too many authentication failures',
    ),
  ),
  part(
    'summary',
    2,
    failed(
      String.raw`^Disconnecting(?: (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+))?: (?<reason>Too many authentication failures|Change of username).*$`,
      'Too many authentication failures',
    ),
  ),
  part(
    'end',
    2,
    failed(
      String.raw`^Connection (?<how>closed|reset) by (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+)${END}`,
      'Connection ended before sign-in',
    ),
  ),
  part(
    'end',
    2,
    failed(
      String.raw`^Disconnected from (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+) \[preauth\]\s*$`,
      'Connection ended before sign-in',
    ),
  ),
  part(
    'logout',
    7,
    plain(
      String.raw`^(?:Disconnected from|Connection (?<how>closed|reset) by) user (?<user>.*) (?<address>\S+) port (?<port>\d+)\s*$`,
      'AUTH_LOGOUT',
      'Disconnected',
    ),
  ),
  part(
    'logout',
    6,
    plain(
      String.raw`^Timeout, client not responding from (?:user (?<user>.*) )?(?<address>\S+) port (?<port>\d+)\s*$`,
      'AUTH_LOGOUT',
      'Session timed out',
    ),
  ),
  part(
    'logout',
    6,
    plain(
      String.raw`^Read error from remote host (?<address>\S+?)(?: port (?<port>\d+))?: (?<reason>.*)$`,
      'AUTH_LOGOUT',
      'Connection lost',
    ),
  ),
  part(
    'end',
    0,
    failed(
      String.raw`^(?:Connection (?<how>closed|reset) by|Disconnected from) (?<address>\S+)(?: port (?<port>\d+))? \[preauth\]\s*$`,
      'Connection ended before sign-in',
      'INFO',
    ),
  ),
  part(
    'end',
    0,
    failed(
      String.raw`^(?:error: )?Received disconnect from (?<address>\S+?)(?: port (?<port>\d+))?: ?(?<reason>.*) \[preauth\]\s*$`,
      'Disconnect received before sign-in',
      'INFO',
    ),
  ),
  part(
    'close',
    3,
    plain(
      String.raw`^(?:Connection (?<how>closed|reset) by|Disconnected from) (?<address>\S+)(?: port (?<port>\d+))?\s*$`,
      'AUTH_LOGOUT',
      'Connection closed',
    ),
  ),
  part(
    'logout',
    2,
    plain(
      String.raw`^Received disconnect from (?<address>\S+?)(?: port (?<port>\d+))?: ?(?<reason>.*)$`,
      'AUTH_LOGOUT',
      'Disconnect received',
    ),
  ),
  failed(
    String.raw`^(?:fatal: )?Timeout before authentication for (?:connection from )?(?<address>[^\s,]+)(?: port (?<port>\d+))?.*$`,
    'Timeout before sign-in',
  ),
  part(
    'attempt',
    8,
    denied(
      String.raw`^User (?<user>.*) from (?<address>\S+) not allowed because (?<reason>.*)$`,
      'Sign-in not allowed',
    ),
  ),
  part('attempt', 8, denied(`^User (?<user>.*) not allowed because (?<reason>.*)$`, 'Sign-in not allowed')),
  part(
    'attempt',
    8,
    denied(
      String.raw`^ROOT LOGIN REFUSED FROM (?<address>\S+)(?: port (?<port>\d+))?.*$`,
      'Sign-in of root refused',
    ),
  ),
  part(
    'attempt',
    8,
    denied(
      String.raw`^pam_\w+\(sshd:account\): (?:account (?<user>\S+) has (?<reason>expired.*)|(?<reason2>expired password) for user (?<user2>\S+).*)$`,
      'Account expired',
    ),
  ),
  part(
    'attempt',
    8,
    denied(
      `^(?:error: )?(?:User|Account) (?<user>.*?)(?: account)? has (?<reason>expired.*)$`,
      'Account expired',
    ),
  ),
  part(
    'attempt',
    8,
    denied(
      `^(?:fatal: )?Access denied for user (?<user>.*?) by (?<reason>PAM account configuration).*$`,
      'Access denied',
    ),
  ),
  locked(
    String.raw`^pam_faillock\(sshd:auth\): (?<reason>Consecutive login failures) for user (?<user>\S+) account (?:temporarily )?locked.*$`,
  ),
  locked(
    String.raw`^pam_tally2?\(sshd:auth\): user (?<user>\S+) \(\d+\) tally (?<tally>\d+), deny (?<deny>\d+)\s*$`,
  ),
  locked(String.raw`^pam_\w+\(sshd:auth\): (?<reason>The account is locked due to .*)$`),
  nothing(String.raw`^Connection from (?<address>\S+) port (?<port>\d+) on \S+ port \d+.*$`),
  nothing(String.raw`^User child is on pid (?<child>\d+)$`),
  // A port that is looked at and nothing sent, as load balancers do.
  nothing(
    String.raw`^(?:error: )?kex_exchange_identification: (?:read: )?Connection (?:closed by remote host|reset by peer)\s*$`,
  ),
  denied(
    String.raw`^refused connect from (?<name>\S+) \((?<address>[^\s)]+)\)$`,
    'Connection refused',
    'SECURITY_IP_BLOCKED',
  ),
  denied(String.raw`^refused connect from (?<address>\S+)$`, 'Connection refused', 'SECURITY_IP_BLOCKED'),
  denied(
    String.raw`^(?:error: )?(?:drop|exited) connection .*?(?:from|by) \[(?<address>[^\]]+)\]:(?<port>\d+).*(?<reason>past MaxStartups|penalty).*$`,
    'Connection dropped',
    'SECURITY_RATE_LIMITED',
  ),
  denied(
    `^(?:error: )?(?:beginning|exited) MaxStartups throttling.*$`,
    'Connections throttled',
    'SECURITY_RATE_LIMITED',
  ),
  alert(
    String.raw`^(?:fatal: )?Unable to negotiate(?: with (?<address>\S+)(?: port (?<port>\d+))?)?: (?<reason>.*?)${END}`,
    'Unable to negotiate',
  ),
  alert(
    String.raw`^Magic value check failed .* on obfuscated handshake ${FROM}\s*$`,
    'Magic value check failed',
  ),
  alert(String.raw`^Did not receive identification string ${FROM}\s*$`, 'No identification string'),
  alert(String.raw`^Bad protocol version identification '(?<sent>.*)' ${FROM}\s*$`, 'Bad protocol version'),
  alert(
    String.raw`^(?:error: )?(?:banner exchange|ssh_dispatch_run_fatal|packet_write_wait|packet_write_poll): Connection (?:from|to) (?:(?:(?<kind>authenticating|invalid) )?user (?<user>.*) )?(?<address>\S+) port (?<port>\d+): (?<reason>.*?)${END}`,
    'Broken connection',
  ),
  alert(
    `^(?:error: )?(?<reason>kex_exchange_identification: .*|kex_protocol_error: .*|Protocol major versions differ.*|Bad packet length.*|Corrupted MAC.*|padding error.*)$`,
    'Broken connection',
  ),
  alert(
    String.raw`^(?:reverse mapping checking getaddrinfo for (?<name>\S+) \[(?<address>[^\]]+)\] failed.*|Address (?<address2>\S+) maps to (?<name2>[^,\s]+), but this does not map back.*)$`,
    'Name and address disagree',
  ),
  plain(
    String.raw`^Server listening on (?<listening>\S+) port (?<port>\d+)\.?$`,
    'SYSTEM_STARTUP',
    'Server listening',
  ),
  plain(
    String.raw`^Received signal (?<signal>\d+); terminating\.?$`,
    'SYSTEM_SHUTDOWN',
    'Server terminating',
  ),
  {
    pattern: /^(?:error|fatal): (?<reason>.*)$/s,
    eventType: 'SYSTEM_ERROR',
    outcome: 'ERROR',
    severity: 'ERROR',
    saying: 'Server error',
  },
];

/** OpenSSH cuts its messages at 1,024 bytes; this also bounds what a hostile line costs to match. */
const MAX_MESSAGE = 8_192;

/** What `message` reports, or undefined when it is none of the known messages. */
export function readMessage(message: string): SshdMessage | undefined {
  if (message.length > MAX_MESSAGE) return undefined;
  for (const candidate of PATTERNS) {
    const match = candidate.pattern.exec(message);
    if (match !== null) return fromMatch(candidate, match.groups ?? {});
  }
  return undefined;
}

function fromMatch(pattern: Pattern, groups: Record<string, string | undefined>): SshdMessage {
  const { user, user2, address, address2, name2, reason2, port, invalid, preauth, ...others } = groups;
  const details: JsonObject = {};
  for (const [name, value] of Object.entries(others)) if (value) details[name] = value;
  if (name2) details.name = name2;
  if (reason2) details.reason = reason2;
  if (port) details.port = Number(port);
  if (invalid) details.invalidUser = true;
  if (preauth) details.preauth = true;
  const saying = others.method === undefined ? pattern.saying : `${pattern.saying} (${others.method})`;
  return {
    eventType: pattern.eventType,
    outcome: pattern.outcome,
    part: others.more === undefined ? pattern.part : 'summary',
    weight: others.method === 'none' ? 2 : (pattern.weight ?? 0),
    kind: [pattern.saying, pattern.weight, others.method === 'none' ? 'none' : '', others.module].join('/'),
    severity: user === 'root' && pattern.eventType === 'AUTH_LOGIN' ? 'WARNING' : pattern.severity,
    action: actionName(pattern.saying, others.method),
    saying,
    user: (user ?? user2)?.trim() || undefined,
    address: (address ?? address2) || undefined,
    details,
  };
}

/** `Failed sign-in` with a password is `sshd.failed_password`; other messages are named by their saying. */
function actionName(saying: string, method: string | undefined): string {
  const words = method === undefined ? saying : saying.replace('sign-in', method);
  return `sshd.${words.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`;
}
