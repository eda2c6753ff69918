import { describe, expect, it } from 'vitest';
import { eventOf, kindOf, readSample } from './read.ts';

describe('cloudtrail', () => {
  it('maps sign-ins, reads, refusals, grants, and attacks on the trail itself', async () => {
    const records = await readSample('cloudtrail', 'cloudtrail.jsonl');
    expect(records.map(kindOf)).toEqual([
      'AUTH_LOGIN SUCCESS INFO ConsoleLogin',
      'AUTH_LOGIN_FAILED FAILURE WARNING ConsoleLogin',
      'DATA_READ SUCCESS INFO DescribeInstances',
      'DATA_READ DENIED WARNING GetObject',
      'SECURITY_ALERT SUCCESS ERROR StopLogging',
      'AUTHZ_PERMISSION_GRANTED SUCCESS ERROR AttachUserPolicy',
      'DATA_DELETE SUCCESS INFO TerminateInstances',
      'DATA_CREATE ERROR ERROR RunInstances',
      'unmapped: no eventName: nothing says what happened',
    ]);
  });

  it('fills the fields and keeps the whole record', async () => {
    const [login, , describeCall, get] = (await readSample('cloudtrail', 'cloudtrail.jsonl')).slice(0, 4);
    expect(eventOf(login)).toMatchObject({
      timestamp: '2024-03-01T08:00:00.000Z',
      userId: 'arn:aws:iam::111122223333:user/ada',
      customerId: '111122223333',
      ipAddress: '198.51.100.7',
      userAgent: 'Mozilla/5.0',
      details: { format: 'cloudtrail', record: { additionalEventData: { MFAUsed: 'Yes' } } },
    });
    expect(eventOf(describeCall)).toMatchObject({
      timestamp: '2024-03-01T08:02:00.123Z',
      sessionId: 'ASIAEXAMPLE1',
      requestId: 'r-3',
      details: { sourceAddress: 'autoscaling.amazonaws.com' },
    });
    expect(eventOf(describeCall)).not.toHaveProperty('ipAddress');
    expect(eventOf(get)).toMatchObject({
      resourceType: 'AWS::S3::Object',
      resourceId: 'ledgers/2024/q1.csv',
      details: { sourceAddress: '010.1.2.3' },
    });
    expect(eventOf(get)).not.toHaveProperty('ipAddress');
  });

  it('says in the details that a record has no usable time', async () => {
    const event = eventOf((await readSample('cloudtrail', 'cloudtrail.jsonl'))[7]);
    expect(event).not.toHaveProperty('timestamp');
    expect(event.details.notes).toEqual([
      'the source record has "redacted" as time: the timestamp is that of the import',
    ]);
  });
});

describe('okta', () => {
  it('maps families of event types, outcomes and severities', async () => {
    const records = await readSample('okta', 'okta.jsonl');
    expect(records.map(kindOf)).toEqual([
      'AUTH_LOGIN SUCCESS INFO user.session.start',
      'AUTH_LOGIN_FAILED FAILURE WARNING user.session.start',
      'AUTH_MFA_DISABLED SUCCESS ERROR user.mfa.factor.deactivate',
      'AUTHZ_PERMISSION_DENIED DENIED INFO policy.evaluate_sign_on',
      'SECURITY_RATE_LIMITED DENIED WARNING system.operation.rate_limit.violation',
      'unmapped: no eventType: nothing says what happened',
    ]);
    expect(eventOf(records[0])).toMatchObject({
      userId: 'ada@example.com',
      sessionId: 'sess-1',
      requestId: 'tx-1',
      description: 'User login to Okta by ada@example.com from 198.51.100.7: SUCCESS',
    });
    expect(eventOf(records[1])).toMatchObject({
      timestamp: '2024-03-01T09:01:00.500Z',
      userId: 'eve@example.com',
    });
    expect(eventOf(records[2])).toMatchObject({ resourceType: 'User', resourceId: '00u2' });
  });
});

describe('github', () => {
  it('maps actions and both forms of dates', async () => {
    const records = await readSample('github', 'github.jsonl');
    expect(records.map(kindOf)).toEqual([
      'DATA_READ SUCCESS INFO git.clone',
      'AUTHZ_ROLE_ASSIGNED SUCCESS WARNING org.add_member',
      'DATA_DELETE SUCCESS WARNING repo.destroy',
      'SECURITY_ALERT SUCCESS WARNING secret_scanning.disable',
      'DATA_UPDATE FAILURE INFO workflows.completed_workflow_run',
      'CONFIG_CHANGED SUCCESS WARNING hook.create',
      'unmapped: no action: nothing says what happened',
    ]);
    const events = records.slice(0, 6).map(eventOf);
    expect(events.map(({ timestamp }) => timestamp)).toEqual([
      '2024-03-01T09:00:00.123Z',
      '2024-03-01T09:01:00.000Z',
      '2024-03-01T09:02:00.000Z',
      '2024-03-01T09:03:00.000Z',
      '2024-03-01T09:04:00.000Z',
      undefined,
    ]);
    expect(events[0]).toMatchObject({ customerId: 'acme', userId: 'ada', resourceType: 'repository' });
    expect(events[1]).toMatchObject({ resourceType: 'user', resourceId: 'bob' });
  });

  it('keeps an integer that JavaScript cannot hold as text, with a note', async () => {
    const event = eventOf((await readSample('github', 'github.jsonl'))[5]);
    expect(event.details).toMatchObject({ record: { hook_id: '12345678901234567890' } });
    expect(event.details.notes).toContain('numbers that JavaScript cannot hold exactly are kept as texts');
  });
});

describe('sshd', () => {
  it('maps what OpenSSH says and gives the reason for what it does not', async () => {
    const records = await readSample('sshd', 'auth.log');
    expect(records.map((record) => `${record.line} ${kindOf(record)}`)).toEqual([
      '1 AUTH_LOGIN_FAILED FAILURE WARNING sshd.invalid_user',
      '2 AUTH_LOGIN_FAILED FAILURE WARNING sshd.invalid_user',
      '3 AUTH_LOGIN_FAILED FAILURE WARNING sshd.failed_password',
      '4 AUTH_LOGIN_FAILED FAILURE WARNING sshd.failed_password',
      '5 AUTH_LOGIN SUCCESS INFO sshd.accepted_publickey',
      '6 AUTH_LOGIN_FAILED FAILURE WARNING sshd.pam_authentication_failure',
      '7 AUTH_LOGIN_FAILED FAILURE WARNING sshd.failed_password',
      '8 AUTH_LOGOUT SUCCESS INFO sshd.disconnected',
      '9 SECURITY_IP_BLOCKED DENIED WARNING sshd.connection_refused',
      '10 AUTHZ_PERMISSION_DENIED DENIED WARNING sshd.sign_in_not_allowed',
      '12 unmapped: a line of CRON, not of sshd',
      '13 unmapped: its date does not exist',
      '14 unmapped: unknown message "rexec line # Deprecated option UsePrivilegeSeparation"',
      '15 unmapped: not a line of syslog',
    ]);
  });

  it('takes the address that sshd wrote, not the one in a user name', async () => {
    const event = eventOf((await readSample('sshd', 'auth.log'))[3]);
    expect(event).toMatchObject({ userId: 'x from 10.9.9.9', ipAddress: '203.0.113.9' });
  });

  it('reads times, IPv4 in IPv6 dress, host names as addresses, and repetitions', async () => {
    const records = await readSample('sshd', 'auth.log');
    expect(eventOf(records[0])).toMatchObject({
      timestamp: '2024-02-12T14:10:21.000Z',
      sessionId: 'web1[100]',
    });
    expect(eventOf(records[4])).toMatchObject({
      timestamp: '2024-02-12T14:10:24.123Z',
      ipAddress: '198.51.100.7',
      details: { key: 'ED25519 SHA256:abcdefghijklmnopqrstuvwxyz', port: 50004, method: 'publickey' },
    });
    expect(eventOf(records[5])).toMatchObject({
      userId: 'bob',
      details: { sourceAddress: 'gw.example.net' },
    });
    expect(eventOf(records[6]).details).toMatchObject({ repeated: 3 });
    expect(eventOf(records[9])).toMatchObject({ timestamp: '2024-02-12T14:10:29.001Z', userId: 'eve' });
  });
});

describe('ndjson', () => {
  it('maps lines of an export and inputs of the API, and refuses what it would have to drop', async () => {
    const records = await readSample('ndjson', 'events.ndjson');
    expect(eventOf(records[0])).toEqual({
      idempotencyKey: 'export:audit_018f0000000070008000000000000001',
      timestamp: '2024-03-01T09:00:00.000Z',
      eventType: 'AUTH_LOGIN_FAILED',
      outcome: 'FAILURE',
      severity: 'WARNING',
      userId: 'ada',
      ipAddress: '2001:db8::1',
      action: 'auth.login_failed',
      description: 'A login failed',
      details: { user_name: 'Ada', n: 1 },
    });
    expect(eventOf(records[1])).toMatchObject({ idempotencyKey: 'app-1', resourceId: '7' });
    expect(eventOf(records[2])).toMatchObject({ eventType: 'BILLING_INVOICE_PAID', customerId: 'acme' });
    expect(records.slice(3)).toEqual([
      { line: 4, unmapped: 'unknown member: colour' },
      {
        line: 5,
        unmapped:
          'details.big: a number that cannot be represented exactly, such as an integer beyond 2^53 - 1: write it as a string',
      },
      { line: 6, unmapped: 'not well-formed JSON' },
    ]);
  });
});
