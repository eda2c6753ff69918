import type { AuditOutcome, AuditSeverity, BuiltInEventType, JsonObject } from './input.ts';

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
}

interface Pattern {
  /** Named groups: user, address, port, and whatever else goes to the details. */
  pattern: RegExp;
  eventType: BuiltInEventType;
  outcome: AuditOutcome;
  severity: AuditSeverity;
  saying: string;
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
  login(
    String.raw`^Accepted (?<method>\S+) for (?:invalid user )?(?<user>.*) ${FROM}(?: ssh2?)?(?:: (?<key>.*))?$`,
    'Accepted sign-in',
  ),
  failed(
    String.raw`^(?:error: )?Failed (?<method>\S+) for (?<invalid>invalid user |illegal user )?(?<user>.*) ${FROM}(?: ssh2?)?(?:: (?<key>.*))?$`,
    'Failed sign-in',
  ),
  failed(`^(?:Invalid|Illegal) user (?<user>.*?) ?${FROM}${END}`, 'Invalid user'),
  failed(
    String.raw`^input_userauth_request: (?:invalid|illegal) user (?<user>.*?)(?<preauth> \[preauth\])?$`,
    'Invalid user',
  ),
  failed(
    String.raw`^(?:error: )?PAM: (?<reason>.+?) for (?<invalid>illegal user |invalid user )?(?<user>.*) from (?<address>\S+?)(?: via (?<via>\S+))?$`,
    'PAM failure',
  ),
  failed(
    String.raw`^(?:pam_\w+\(sshd:auth\): |PAM (?<more>\d+) more )authentication failures?;.*? rhost=(?<address>\S*)(?:\s+user=(?<user>.*))?$`,
    'PAM authentication failure',
  ),
  failed(
    String.raw`^pam_\w+\(sshd:auth\): (?<reason>check pass; user unknown|.*received for user (?<user>\S+): .*)$`,
    'PAM authentication failure',
  ),
  failed(
    String.raw`^PAM service\(sshd\) ignoring max retries; (?<reason>.*)$`,
    'Too many authentication failures',
  ),
  plain(
    String.raw`^pam_\w+\(sshd:session\): session opened for user (?<user>[^\s(]+)(?:\(uid=(?<uid>\d+)\))?(?: by .*)?$`,
    'AUTH_SESSION_CREATED',
    'Session opened',
  ),
  plain(
    String.raw`^pam_\w+\(sshd:session\): session closed for user (?<user>\S+)$`,
    'AUTH_LOGOUT',
    'Session closed',
  ),
  plain(
    String.raw`^Starting session: (?<what>.+?) for (?<user>.*) ${FROM}(?: id \d+)?$`,
    'AUTH_SESSION_CREATED',
    'Session started',
  ),
  plain(String.raw`^Close session: user (?<user>.*) ${FROM}(?: id \d+)?$`, 'AUTH_LOGOUT', 'Session closed'),
  failed(
    `^(?:error: )?maximum authentication attempts exceeded for (?<invalid>invalid user )?(?<user>.*) ${FROM}${END}`,
    'Too many authentication failures',
  ),
  failed(
    String.raw`^Disconnecting(?: (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+))?: (?<reason>Too many authentication failures|Change of username).*$`,
    'Too many authentication failures',
  ),
  failed(
    String.raw`^Connection (?<how>closed|reset) by (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+)${END}`,
    'Connection ended before sign-in',
  ),
  failed(
    String.raw`^Disconnected from (?<kind>\S+) user (?<user>.*) (?<address>\S+) port (?<port>\d+) \[preauth\]\s*$`,
    'Connection ended before sign-in',
  ),
  plain(
    String.raw`^Disconnected from user (?<user>.*) (?<address>\S+) port (?<port>\d+)\s*$`,
    'AUTH_LOGOUT',
    'Disconnected',
  ),
  failed(
    String.raw`^(?:Connection (?<how>closed|reset) by|Disconnected from) (?<address>\S+)(?: port (?<port>\d+))? \[preauth\]\s*$`,
    'Connection ended before sign-in',
    'INFO',
  ),
  failed(
    String.raw`^(?:error: )?Received disconnect from (?<address>\S+?)(?: port (?<port>\d+))?: ?(?<reason>.*) \[preauth\]\s*$`,
    'Connection ended before sign-in',
    'INFO',
  ),
  plain(
    String.raw`^(?:Connection (?<how>closed|reset) by|Disconnected from) (?<address>\S+)(?: port (?<port>\d+))?\s*$`,
    'AUTH_LOGOUT',
    'Disconnected',
  ),
  plain(
    String.raw`^Received disconnect from (?<address>\S+?)(?: port (?<port>\d+))?: ?(?<reason>.*)$`,
    'AUTH_LOGOUT',
    'Disconnected',
  ),
  failed(
    String.raw`^(?:fatal: )?Timeout before authentication for (?:connection from )?(?<address>[^\s,]+)(?: port (?<port>\d+))?.*$`,
    'Timeout before sign-in',
  ),
  denied(
    String.raw`^User (?<user>.*) from (?<address>\S+) not allowed because (?<reason>.*)$`,
    'Sign-in not allowed',
  ),
  denied(`^User (?<user>.*) not allowed because (?<reason>.*)$`, 'Sign-in not allowed'),
  denied(
    String.raw`^ROOT LOGIN REFUSED FROM (?<address>\S+)(?: port (?<port>\d+))?.*$`,
    'Sign-in of root refused',
  ),
  denied(
    `^(?:fatal: )?Access denied for user (?<user>.*?) by (?<reason>PAM account configuration).*$`,
    'Access denied',
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
    String.raw`^(?:error: )?(?:banner exchange|ssh_dispatch_run_fatal|packet_write_wait|packet_write_poll): Connection (?:from|to) (?<address>\S+) port (?<port>\d+): (?<reason>.*?)${END}`,
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

/** What `message` reports, or undefined when it is none of the known messages. */
export function readMessage(message: string): SshdMessage | undefined {
  for (const candidate of PATTERNS) {
    const match = candidate.pattern.exec(message);
    if (match !== null) return fromMatch(candidate, match.groups ?? {});
  }
  return undefined;
}

function fromMatch(pattern: Pattern, groups: Record<string, string | undefined>): SshdMessage {
  const { user, address, address2, name2, port, invalid, preauth, ...others } = groups;
  const details: JsonObject = {};
  for (const [name, value] of Object.entries(others)) if (value) details[name] = value;
  if (name2) details.name = name2;
  if (port) details.port = Number(port);
  if (invalid) details.invalidUser = true;
  if (preauth) details.preauth = true;
  const saying = others.method === undefined ? pattern.saying : `${pattern.saying} (${others.method})`;
  return {
    eventType: pattern.eventType,
    outcome: pattern.outcome,
    severity: user === 'root' && pattern.eventType === 'AUTH_LOGIN' ? 'WARNING' : pattern.severity,
    action: actionName(pattern.saying, others.method),
    saying,
    user: user?.trim() || undefined,
    address: (address ?? address2) || undefined,
    details,
  };
}

/** `Failed sign-in` with a password is `sshd.failed_password`; other messages are named by their saying. */
function actionName(saying: string, method: string | undefined): string {
  const words = method === undefined ? saying : saying.replace('sign-in', method);
  return `sshd.${words.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`;
}
