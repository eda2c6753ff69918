import type { JsonObject } from '../events/fields.ts';
import type { AuditOutcome, AuditSeverity, BuiltInEventType } from './event-input.ts';

/**
 * The role of a message in the event that it belongs to:
 *
 * - `attempt`: one try to sign in. Its messages come from one process.
 * - `step`: an intermediate step of an attempt, without a result.
 * - `summary`: repeats the result of the preceding attempts.
 * - `end`: the end of a connection before a sign-in.
 * - `login`: a successful sign-in, and the start of its session.
 * - `logout`: the end of a session.
 * - `close`: the end of a connection, which is the end of a session if there was one.
 * - `nothing`: no event.
 */
export type SshdPart = 'attempt' | 'login' | 'logout' | 'summary' | 'end' | 'close' | 'step' | 'nothing';

/**
 * How much a message says about its event. The message with the largest weight gives the event its type, outcome and
 * name. From `verdict` on, a message of an attempt is its result, not that of one PAM module.
 */
export const WEIGHT = {
  none: 0,
  step: 1,
  context: 2,
  cause: 3,
  module: 4,
  verdict: 5,
  interruption: 6,
  failure: 7,
  refusal: 8,
  acceptance: 9,
} as const;

/**
 * `Accepted ...` signs in, `Failed ...` ends an attempt, `Close session ...` closes one of the shells, commands and
 * subsystems of a session.
 */
export type SshdEffect = 'signs-in' | 'fails' | 'closes-channel';

/** A message of sshd, parsed. */
export interface SshdMessage {
  eventType: BuiltInEventType;
  outcome: AuditOutcome;
  severity: AuditSeverity;
  /** For example `sshd.failed_password`. */
  action: string;
  /** The start of the description, for example `Failed password`. */
  saying: string;
  user?: string | undefined;
  address?: string | undefined;
  /** Port, method, key fingerprint and the like. */
  details: JsonObject;
  /** Undefined: the message is an event of its own. */
  part?: SshdPart | undefined;
  /** A value of `WEIGHT`. */
  weight: number;
  effect?: SshdEffect | undefined;
  /** One attempt has at most one message of each kind. */
  kind: string;
}

interface Pattern {
  /** Its named groups are user, address, port, and members of the details. */
  pattern: RegExp;
  eventType: BuiltInEventType;
  outcome: AuditOutcome;
  severity: AuditSeverity;
  saying: string;
  part?: SshdPart;
  weight?: number;
  effect?: SshdEffect;
}

/** A pattern for messages that may share an event with others. */
function part(name: SshdPart, weight: keyof typeof WEIGHT, pattern: Pattern, effect?: SshdEffect): Pattern {
  return { ...pattern, part: name, weight: WEIGHT[weight], ...(effect && { effect }) };
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

/** An account that too many failures have locked: an alert of its own, beside the failures. */
function locked(pattern: string): Pattern {
  return {
    pattern: new RegExp(pattern),
    eventType: 'SECURITY_ALERT',
    outcome: 'DENIED',
    severity: 'WARNING',
    saying: 'Account locked',
  };
}

/** Messages of higher log levels about connections. The sign-ins of these connections have lines of their own. */
function nothing(pattern: string): Pattern {
  return part('nothing', 'none', plain(pattern, 'SYSTEM_STARTUP', 'Connection'));
}

/** A peer that violates the protocol, such as a scanner. */
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
 * The messages of OpenSSH (auth.c, auth2.c, sshd.c, packet.c, monitor.c) and of PAM within it. The client chooses the user
 * name, which may contain ` from 192.0.2.1`. Therefore each pattern is anchored at its end and takes the longest name, so
 * that the address is the one that sshd wrote.
 */
const PATTERNS: readonly Pattern[] = [
  part(
    'login',
    'acceptance',
    login(
      String.raw`^Accepted (?<method>\S+) for (?:invalid user )?(?<user>.*) ${FROM}(?: ssh2?)?(?:: (?<key>.*))?$`,
      'Accepted sign-in',
    ),
    'signs-in',
  ),
  part(
    'attempt',
    'failure',
    failed(
      String.raw`^(?:error: )?Failed (?<method>\S+) for (?<invalid>invalid user |illegal user )?(?<user>.*) ${FROM}(?: ssh2?)?(?:: (?<key>.*))?$`,
      'Failed sign-in',
    ),
    'fails',
  ),
  part(
    'step',
    'step',
    plain(
      String.raw`^(?:Postponed|Partial) (?<method>\S+) for (?<invalid>invalid user |illegal user )?(?<user>.*) ${FROM}(?: ssh2?)?(?<preauth> \[preauth\])?(?:: (?<key>.*))?$`,
      'AUTH_SESSION_CREATED',
      'Sign-in goes on',
    ),
  ),
  part('attempt', 'cause', failed(`^(?:Invalid|Illegal) user (?<user>.*?) ?${FROM}${END}`, 'Invalid user')),
  part(
    'attempt',
    'context',
    failed(
      String.raw`^input_userauth_request: (?:invalid|illegal) user (?<user>.*?)(?<preauth> \[preauth\])?$`,
      'Invalid user',
    ),
  ),
  part(
    'attempt',
    'verdict',
    failed(
      String.raw`^(?:error: )?PAM: (?<reason>.+?) for (?<invalid>illegal user |invalid user )?(?<user>.*) from (?<address>\S+?)(?: via (?<via>\S+))?$`,
      'PAM failure',
    ),
  ),
  part(
    'attempt',
    'module',
    failed(
      String.raw`^(?:(?<module>pam_\w+)\(sshd:auth\): |PAM (?<more>\d+) more )authentication failures?;.*? rhost=(?<address>\S*)(?:\s+user=(?<user>.*))?$`,
      'PAM authentication failure',
    ),
  ),
  part(
    'attempt',
    'step',
    failed(
      String.raw`^(?<module>pam_\w+)\(sshd:auth\): (?<reason>check pass; user unknown|.*received for user (?<user>\S+): .*)$`,
      'PAM authentication failure',
    ),
  ),
  part(
    'summary',
    'context',
    failed(
      String.raw`^PAM service\(sshd\) ignoring max retries; (?<reason>.*)$`,
      'Too many authentication failures',
    ),
  ),
  part(
    'login',
    'verdict',
    plain(
      String.raw`^pam_\w+\(sshd:session\): session opened for user (?<user>[^\s(]+)(?:\(uid=(?<uid>\d+)\))?(?: by .*)?$`,
      'AUTH_SESSION_CREATED',
      'Session opened',
    ),
  ),
  part(
    'logout',
    'verdict',
    plain(
      String.raw`^pam_\w+\(sshd:session\): session closed for user (?<user>\S+)$`,
      'AUTH_LOGOUT',
      'Session closed',
    ),
  ),
  part(
    'login',
    'module',
    plain(
      String.raw`^Starting session: (?<what>.+?) for (?<user>.*) ${FROM}(?: id \d+)?$`,
      'AUTH_SESSION_CREATED',
      'Session started',
    ),
  ),
  part(
    'logout',
    'module',
    plain(String.raw`^Close session: user (?<user>.*) ${FROM}(?: id \d+)?$`, 'AUTH_LOGOUT', 'Session closed'),
    'closes-channel',
  ),
  part(
    'summary',
    'cause',
    failed(
      `^(?:error: )?maximum authentication attempts exceeded for (?<invalid>invalid user )?(?<user>.*) ${FROM}${END}`,
      'Too many authentication failures',
    ),
  ),
  part(
    'summary',
    'context',
    failed(
      String.raw`^Disconnecting(?: (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+))?: (?<reason>Too many authentication failures|Change of username).*$`,
      'Too many authentication failures',
    ),
  ),
  part(
    'end',
    'context',
    failed(
      String.raw`^Connection (?<how>closed|reset) by (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+)${END}`,
      'Connection ended before sign-in',
    ),
  ),
  part(
    'end',
    'context',
    failed(
      String.raw`^Disconnected from (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+) \[preauth\]\s*$`,
      'Connection ended before sign-in',
    ),
  ),
  part(
    'logout',
    'failure',
    plain(
      String.raw`^(?:Disconnected from|Connection (?<how>closed|reset) by) user (?<user>.*) (?<address>\S+) port (?<port>\d+)\s*$`,
      'AUTH_LOGOUT',
      'Disconnected',
    ),
  ),
  part(
    'logout',
    'interruption',
    plain(
      String.raw`^Timeout, client not responding from (?:user (?<user>.*) )?(?<address>\S+) port (?<port>\d+)\s*$`,
      'AUTH_LOGOUT',
      'Session timed out',
    ),
  ),
  part(
    'logout',
    'interruption',
    plain(
      String.raw`^Read error from remote host (?<address>\S+?)(?: port (?<port>\d+))?: (?<reason>.*)$`,
      'AUTH_LOGOUT',
      'Connection lost',
    ),
  ),
  part(
    'end',
    'none',
    failed(
      String.raw`^(?:Connection (?<how>closed|reset) by|Disconnected from) (?<address>\S+)(?: port (?<port>\d+))? \[preauth\]\s*$`,
      'Connection ended before sign-in',
      'INFO',
    ),
  ),
  part(
    'end',
    'none',
    failed(
      String.raw`^(?:error: )?Received disconnect from (?<address>\S+?)(?: port (?<port>\d+))?: ?(?<reason>.*) \[preauth\]\s*$`,
      'Disconnect received before sign-in',
      'INFO',
    ),
  ),
  part(
    'close',
    'cause',
    plain(
      String.raw`^(?:Connection (?<how>closed|reset) by|Disconnected from) (?<address>\S+)(?: port (?<port>\d+))?\s*$`,
      'AUTH_LOGOUT',
      'Connection closed',
    ),
  ),
  part(
    'logout',
    'context',
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
    'refusal',
    denied(
      String.raw`^User (?<user>.*) from (?<address>\S+) not allowed because (?<reason>.*)$`,
      'Sign-in not allowed',
    ),
  ),
  part(
    'attempt',
    'refusal',
    denied(`^User (?<user>.*) not allowed because (?<reason>.*)$`, 'Sign-in not allowed'),
  ),
  part(
    'attempt',
    'refusal',
    denied(
      String.raw`^ROOT LOGIN REFUSED FROM (?<address>\S+)(?: port (?<port>\d+))?.*$`,
      'Sign-in of root refused',
    ),
  ),
  part(
    'attempt',
    'refusal',
    denied(
      String.raw`^pam_\w+\(sshd:account\): (?:account (?<user>\S+) has (?<reason>expired.*)|(?<reason2>expired password) for user (?<user2>\S+).*)$`,
      'Account expired',
    ),
  ),
  part(
    'attempt',
    'refusal',
    denied(
      `^(?:error: )?(?:User|Account) (?<user>.*?)(?: account)? has (?<reason>expired.*)$`,
      'Account expired',
    ),
  ),
  part(
    'attempt',
    'refusal',
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
  // A connection without data, such as the health check of a load balancer.
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

/** OpenSSH cuts its messages at 1,024 bytes. Bounds the cost of matching a hostile line. */
const MAX_MESSAGE = 8_192;

/** Parses a message; undefined when it is unknown. */
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
    weight: others.method === 'none' ? WEIGHT.context : (pattern.weight ?? WEIGHT.none),
    // Clients use the method none to ask for the other methods, so its failure does not end the attempt.
    effect: others.method === 'none' ? undefined : pattern.effect,
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
