import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedZone, namedZone } from '../../src/import/source-time.ts';
import { bytesOf, CLOCK, eventOf, kindOf, readAll } from './read.ts';

const read = (lines: string[], clock = CLOCK) => readAll('sshd', bytesOf(lines.join('\n')), clock);

async function countsOf(lines: string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const record of await read(lines)) {
    const name =
      'input' in record ? record.input.eventType : 'unmapped' in record ? record.unmapped : 'joined';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const at = (pid: number, messages: string[], second = 0) =>
  messages.map((message) => `Jul  1 10:00:${String(second).padStart(2, '0')} h sshd[${pid}]: ${message}`);
const PAM = 'authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7';

/** What sshd writes for one connection, each with the number of failures, sign-ins and logouts that it is. */
const CONNECTIONS: [name: string, messages: string[], failed: number, logins: number][] = [
  [
    'one wrong password of an unknown user, on Debian',
    [
      'Invalid user dave from 192.0.2.7 port 50007',
      'pam_unix(sshd:auth): check pass; user unknown',
      `pam_unix(sshd:auth): ${PAM}`,
      'Failed password for invalid user dave from 192.0.2.7 port 50007 ssh2',
      'Received disconnect from 192.0.2.7 port 50007:11: Bye Bye [preauth]',
      'Disconnected from invalid user dave 192.0.2.7 port 50007 [preauth]',
    ],
    1,
    0,
  ],
  [
    'one wrong password of an unknown user, on an old system',
    [
      'Invalid user dave from 192.0.2.7',
      'input_userauth_request: invalid user dave [preauth]',
      'pam_unix(sshd:auth): check pass; user unknown',
      `pam_unix(sshd:auth): ${PAM}`,
      'Failed password for invalid user dave from 192.0.2.7 port 50007 ssh2',
      'Connection closed by 192.0.2.7 [preauth]',
    ],
    1,
    0,
  ],
  [
    'one wrong password with two modules of PAM',
    [
      `pam_unix(sshd:auth): ${PAM}  user=carol`,
      `pam_sss(sshd:auth): ${PAM} user=carol`,
      'pam_sss(sshd:auth): received for user carol: 7 (Authentication failure)',
      'Failed password for carol from 192.0.2.7 port 50007 ssh2',
      'Connection closed by authenticating user carol 192.0.2.7 port 50007 [preauth]',
    ],
    1,
    0,
  ],
  [
    'one wrong password through the keyboard',
    [
      `pam_unix(sshd:auth): ${PAM}  user=root`,
      'error: PAM: Authentication failure for root from 192.0.2.7',
      'Failed keyboard-interactive/pam for root from 192.0.2.7 port 50007 ssh2',
    ],
    1,
    0,
  ],
  [
    'three wrong passwords in one connection',
    [
      `pam_unix(sshd:auth): ${PAM}  user=root`,
      'Failed password for root from 192.0.2.7 port 50007 ssh2',
      'Failed password for root from 192.0.2.7 port 50007 ssh2',
      'Failed password for root from 192.0.2.7 port 50007 ssh2',
      'error: maximum authentication attempts exceeded for root from 192.0.2.7 port 50007 ssh2 [preauth]',
      'Disconnecting authenticating user root 192.0.2.7 port 50007: Too many authentication failures [preauth]',
      'PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root',
      'PAM service(sshd) ignoring max retries; 3 > 2',
    ],
    3,
    0,
  ],
  [
    'a user who gave up',
    ['Connection closed by authenticating user root 192.0.2.7 port 50007 [preauth]'],
    1,
    0,
  ],
  ['a health check', ['Connection closed by 10.0.0.2 port 41000 [preauth]'], 0, 0],
  [
    'a port scan',
    [
      'Connection from 10.0.0.2 port 41000 on 10.0.0.1 port 22',
      'Connection reset by 10.0.0.2 port 41000 [preauth]',
    ],
    0,
    0,
  ],
  [
    'a health check of newer versions',
    [
      'error: kex_exchange_identification: Connection closed by remote host',
      'Connection closed by 10.0.0.2 port 41000',
    ],
    0,
    0,
  ],
  [
    'a health check that resets its connection',
    [
      'kex_exchange_identification: read: Connection reset by peer',
      'Connection reset by 10.0.0.2 port 41000',
    ],
    0,
    0,
  ],
  [
    'an invalid user who is asked for a password',
    [
      'Invalid user oracle from 192.0.2.7 port 50007',
      'Postponed keyboard-interactive for invalid user oracle from 192.0.2.7 port 50007 ssh2 [preauth]',
      'error: PAM: User not known to the underlying authentication module for illegal user oracle from 192.0.2.7',
      'Failed keyboard-interactive/pam for invalid user oracle from 192.0.2.7 port 50007 ssh2',
      'Postponed keyboard-interactive for invalid user oracle from 192.0.2.7 port 50007 ssh2 [preauth]',
      'Connection closed by invalid user oracle 192.0.2.7 port 50007 [preauth]',
    ],
    1,
    0,
  ],
  [
    'a key and then a code',
    [
      'Postponed publickey for carol from 192.0.2.7 port 50007 ssh2 [preauth]',
      'Partial publickey for carol from 192.0.2.7 port 50007 ssh2: ED25519 SHA256:abc',
      'Postponed keyboard-interactive for carol from 192.0.2.7 port 50007 ssh2 [preauth]',
      'Postponed keyboard-interactive/pam for carol from 192.0.2.7 port 50007 ssh2 [preauth]',
      'Accepted keyboard-interactive/pam for carol from 192.0.2.7 port 50007 ssh2',
      'pam_unix(sshd:session): session opened for user carol(uid=1000) by (uid=0)',
    ],
    0,
    1,
  ],
  [
    'a wrong password and then the right one',
    [
      `pam_unix(sshd:auth): ${PAM}  user=carol`,
      'Failed password for carol from 192.0.2.7 port 50007 ssh2',
      'Accepted password for carol from 192.0.2.7 port 50007 ssh2',
      'pam_unix(sshd:session): session opened for user carol(uid=1000) by (uid=0)',
    ],
    1,
    1,
  ],
  [
    'a password that the second module of PAM accepts',
    [
      `pam_unix(sshd:auth): ${PAM}  user=carol`,
      'Accepted password for carol from 192.0.2.7 port 50007 ssh2',
      'pam_unix(sshd:session): session opened for user carol(uid=1000) by (uid=0)',
    ],
    0,
    1,
  ],
];

describe('lines of one attempt are one event', () => {
  it.each(CONNECTIONS)('%s', async (_, messages, failed, logins) => {
    const counts = await countsOf(at(100, messages));
    expect([counts.AUTH_LOGIN_FAILED ?? 0, counts.AUTH_LOGIN ?? 0]).toEqual([failed, logins]);
    expect(counts.joined ?? 0).toBe(messages.length - failed - logins);
  });

  it('in whatever order connections come between each other', async () => {
    const some = fc.array(fc.constantFrom(...CONNECTIONS), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(some, fc.infiniteStream(fc.nat(1_000)), async (connections, choices) => {
        const left = connections.map(([, messages], index) => at(200 + index, messages));
        const lines: string[] = [];
        for (let open = left.filter((queue) => queue.length > 0); open.length > 0; ) {
          const queue = open[(choices.next().value ?? 0) % open.length];
          lines.push(queue?.shift() ?? '');
          open = left.filter((rest) => rest.length > 0);
        }
        const counts = await countsOf(lines);
        const sum = (place: 2 | 3) => connections.reduce((total, connection) => total + connection[place], 0);
        expect([counts.AUTH_LOGIN_FAILED ?? 0, counts.AUTH_LOGIN ?? 0]).toEqual([sum(2), sum(3)]);
      }),
      { numRuns: 60 },
    );
  });

  it('with all of them in its details, and with what the best of them says', async () => {
    const [, messages] = CONNECTIONS[0] as (typeof CONNECTIONS)[0];
    const [record] = await read(at(100, messages));
    const event = eventOf(record);
    expect(event).toMatchObject({
      action: 'sshd.failed_password',
      userId: 'dave',
      ipAddress: '192.0.2.7',
      sessionId: 'h[100]',
      details: { method: 'password', port: 50007, invalidUser: true },
    });
    expect(event.details.lines).toEqual(at(100, messages));
  });

  it('whose key does not depend on how many of them were waited for', async () => {
    const [, messages] = CONNECTIONS[0] as (typeof CONNECTIONS)[0];
    const lines = at(100, messages);
    const [whole] = await read(lines);
    async function* slow() {
      for (const line of lines) yield* [Buffer.from(`${line}\n`), Buffer.alloc(0)];
    }
    const pieces = await readAll('sshd', slow());
    expect(
      pieces.filter((record) => 'input' in record).map((record) => eventOf(record).idempotencyKey),
    ).toEqual([eventOf(whole).idempotencyKey]);
  });
});

describe('the end of a session is one event', () => {
  const session = (pid: number, port: number, user = 'carol') => ({
    login: at(pid, [
      `Accepted publickey for ${user} from 192.0.2.7 port ${port} ssh2: ED25519 SHA256:abc`,
      `pam_unix(sshd:session): session opened for user ${user}(uid=1000) by ${user}(uid=0)`,
    ]),
    child: at(
      pid + 1_000,
      [
        `Received disconnect from 192.0.2.7 port ${port}:11: disconnected by user`,
        `Disconnected from user ${user} 192.0.2.7 port ${port}`,
      ],
      30,
    ),
    parent: at(pid, [`pam_unix(sshd:session): session closed for user ${user}`], 30),
  });
  const verbose = (pid: number, port: number) =>
    at(pid, [
      `Starting session: shell on pts/0 for carol from 192.0.2.7 port ${port} id 0`,
      `Starting session: subsystem 'sftp' for carol from 192.0.2.7 port ${port} id 1`,
      `Close session: user carol from 192.0.2.7 port ${port} id 1`,
      `Close session: user carol from 192.0.2.7 port ${port} id 0`,
    ]);
  const one = session(100, 50010);
  const two = session(101, 50011);

  it.each([
    ['in order', [...one.login, ...one.child, ...one.parent], 1, 1],
    ['with its parent first', [...one.login, ...one.parent, ...one.child], 1, 1],
    ['without its sign-in, as logs are rotated', [...one.child, ...one.parent], 0, 1],
    [
      'of two sessions of one user',
      [...one.login, ...two.login, ...one.child, ...two.child, ...two.parent, ...one.parent],
      2,
      2,
    ],
    [
      'of two sessions without their sign-ins',
      [...one.child, ...two.child, ...one.parent, ...two.parent],
      0,
      2,
    ],
    ['without the lines of its child', [...one.login, ...one.parent], 1, 1],
    [
      'whose client does not answer',
      [
        ...one.login,
        ...at(1_100, ['Timeout, client not responding from user carol 192.0.2.7 port 50010']),
        ...one.parent,
      ],
      1,
      1,
    ],
    [
      'whose connection is lost',
      [
        ...one.login,
        ...at(1_100, ['Read error from remote host 192.0.2.7 port 50010: Connection reset by peer']),
        ...one.parent,
      ],
      1,
      1,
    ],
    [
      'whose client is gone, without its sign-in',
      [...at(1_100, ['Connection closed by user carol 192.0.2.7 port 50010'], 30), ...one.parent],
      0,
      1,
    ],
    [
      'whose connection closes without a name',
      [...one.login, ...at(1_100, ['Connection closed by 192.0.2.7 port 50010']), ...one.parent],
      1,
      1,
    ],
  ])('%s', async (_, lines, logins, logouts) => {
    const counts = await countsOf(lines);
    expect([counts.AUTH_LOGIN ?? 0, counts.AUTH_LOGOUT ?? 0]).toEqual([logins, logouts]);
    expect(counts.AUTH_SESSION_CREATED).toBeUndefined();
  });

  it('with all that sshd says of it, of several in one connection too', async () => {
    const counts = await countsOf([...one.login, ...verbose(1_100, 50010), ...one.child, ...one.parent]);
    expect(counts).toEqual({ AUTH_LOGIN: 1, AUTH_SESSION_CREATED: 1, AUTH_LOGOUT: 1, joined: 7 - 1 });
  });

  it('and there is none where nobody is known to have been signed in', async () => {
    const lines = at(100, ['Connection closed by 192.0.2.7 port 50010', 'Connection reset by 192.0.2.7']);
    expect(await countsOf(lines)).toEqual({ joined: 2 });
  });

  it.each([
    [
      'ssh_dispatch_run_fatal: Connection from authenticating user root 192.0.2.7 port 5: Connection corrupted [preauth]',
      'root',
    ],
    [
      'ssh_dispatch_run_fatal: Connection from user carol 192.0.2.7 port 5: message authentication code incorrect',
      'carol',
    ],
    ['banner exchange: Connection from 192.0.2.7 port 5: invalid format', undefined],
  ])('and a broken connection says whose it was: %s', async (message, user) => {
    const event = eventOf((await read(at(1, [message])))[0]);
    expect([event.action, event.userId, event.ipAddress]).toEqual([
      'sshd.broken_connection',
      user,
      '192.0.2.7',
    ]);
  });
});

describe('forms of lines', () => {
  const message = 'Failed password for root from 192.0.2.7 port 50048 ssh2';
  const journal = {
    __REALTIME_TIMESTAMP: '1719828048000000',
    _HOSTNAME: 'h',
    SYSLOG_IDENTIFIER: 'sshd',
    _PID: '7',
  };
  const json = (more: object) => JSON.stringify({ ...journal, ...more });
  const logs = {
    messageType: 'DATA_MESSAGE',
    logEvents: [{ id: '1', timestamp: 1, message: `Jul  1 10:00:48 h sshd[7]: ${message}` }],
  };
  it.each([
    ['BSD', `Jul  1 10:00:48 h sshd[7]: ${message}`],
    ['BusyBox, as on Alpine', `Jul  1 10:00:48 h auth.info sshd[7]: ${message}`],
    ['BusyBox without a host', `Jul  1 10:00:48 auth.info sshd[7]: ${message}`],
    ['rsyslog', `2024-07-01T12:00:48.000000+02:00 h sshd[7]: ${message}`],
    ['RFC 5424', `<38>1 2024-07-01T10:00:48Z h sshd 7 - - ${message}`],
    ['short-full', `Mon 2024-07-01 10:00:48 UTC h sshd[7]: ${message}`],
    ['short-full with an offset', `Mon 2024-07-01 12:00:48 +0200 h sshd[7]: ${message}`],
    ['short-iso', `2024-07-01T10:00:48+0000 h sshd[7]: ${message}`],
    ['short-precise', `Jul 01 10:00:48.000000 h sshd[7]: ${message}`],
    ['short-unix', `1719828048.000000 h sshd[7]: ${message}`],
    ['json', json({ MESSAGE: message })],
    ['json with bytes', json({ MESSAGE: [...Buffer.from(message)] })],
    ['json-seq', `\u001e${json({ MESSAGE: message })}`],
    ['json-sse', `data: ${json({ MESSAGE: message })}`],
    ['CloudWatch Logs', JSON.stringify(logs)],
    ['Fluent Bit', JSON.stringify({ log: `Jul  1 10:00:48 h sshd[7]: ${message}\n` })],
  ])('%s', async (form, line) => {
    const [record] = await read([line], { nowMs: Date.UTC(2024, 7), zone: fixedZone('Z') });
    expect(eventOf(record)).toMatchObject({
      timestamp: '2024-07-01T10:00:48.000Z',
      eventType: 'AUTH_LOGIN_FAILED',
      userId: 'root',
      resourceId: form.includes('without a host') ? 'localhost' : 'h',
      sessionId: form.includes('without a host') ? 'localhost[7]' : 'h[7]',
    });
  });

  it('gives an entry of a journal the cursor that is its id as its key', async () => {
    const lines = [
      json({ MESSAGE: message, __CURSOR: 's=1;i=2' }),
      json({ MESSAGE: message, __CURSOR: 's=1;i=2', more: 1 }),
    ];
    const keys = (await read(lines)).map((record) => eventOf(record).idempotencyKey);
    expect(keys).toEqual(['import:sshd:id:s=1;i=2', 'import:sshd:id:s=1;i=2']);
  });

  it('reads the abbreviation of a zone as the zone that the user names, or not at all', async () => {
    const line = `Mon 2024-07-01 12:00:48 CEST h sshd[7]: ${message}`;
    expect((await read([line])).map(kindOf)).toEqual([
      'unmapped: its time zone CEST is ambiguous: set --time-zone',
    ]);
    const clock = { nowMs: Date.UTC(2024, 7), zone: namedZone('Europe/Berlin'), zoneNamed: true };
    const event = eventOf((await read([line], clock))[0]);
    expect(event.timestamp).toBe('2024-07-01T10:00:48.000Z');
    expect(event.details.notes).toEqual(['its zone CEST is read as that of --time-zone']);
  });

  it.each([
    ['CEST', '2024-10-27T00:30:48.000Z'],
    ['CET', '2024-10-27T01:30:48.000Z'],
  ])('takes %s for one of two occurrences of an hour', async (abbreviation, timestamp) => {
    const clock = { nowMs: Date.UTC(2024, 11), zone: namedZone('Europe/Berlin'), zoneNamed: true };
    const line = `Sun 2024-10-27 02:30:48 ${abbreviation} h sshd[7]: ${message}`;
    const event = eventOf((await read([line], clock))[0]);
    expect(event.timestamp).toBe(timestamp);
    expect(event.details.notes).toEqual([`its zone ${abbreviation} is read as that of --time-zone`]);
  });

  it('says of an hour that occurs twice that it does', async () => {
    const clock = { nowMs: Date.UTC(2024, 11), zone: namedZone('Europe/Berlin'), zoneNamed: true };
    const event = eventOf((await read([`Oct 27 02:30:00 h sshd[7]: ${message}`], clock))[0]);
    expect(event.timestamp).toBe('2024-10-27T00:30:00.000Z');
    expect(JSON.stringify(event.details.notes)).toContain('occurs twice in Europe/Berlin');
  });
});

describe('account locks and expired accounts', () => {
  it.each([
    [
      'pam_faillock(sshd:auth): Consecutive login failures for user carol account temporarily locked',
      'SECURITY_ALERT DENIED WARNING sshd.account_locked',
    ],
    [
      'pam_tally2(sshd:auth): user carol (1000) tally 5, deny 3',
      'SECURITY_ALERT DENIED WARNING sshd.account_locked',
    ],
    [
      'pam_unix(sshd:account): account carol has expired (account expired)',
      'AUTHZ_PERMISSION_DENIED DENIED WARNING sshd.account_expired',
    ],
    [
      'pam_unix(sshd:account): expired password for user carol (password aged)',
      'AUTHZ_PERMISSION_DENIED DENIED WARNING sshd.account_expired',
    ],
    ['User carol account has expired', 'AUTHZ_PERMISSION_DENIED DENIED WARNING sshd.account_expired'],
  ])('%s', async (message, kind) => {
    const [record] = await read(at(1, [message]));
    expect(kindOf(record as NonNullable<typeof record>)).toBe(kind);
    expect(eventOf(record).userId).toBe('carol');
  });
});
