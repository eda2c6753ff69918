import type { Dice } from './dice.ts';

const PLACES = ['eu-west-1', 'us-east-2', 'ap-southeast-1'] as const;
const USERS = [
  'alice',
  'bob.smith',
  'svc-deploy',
  'carol@example.com',
  'auth0|5f7c8ec7c33c6c004bbafe82',
] as const;
const AGENTS = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'aws-cli/2.15.30 Python/3.11.8 Linux/6.1.79-99.164.amzn2023.x86_64 exe/x86_64.amzn.2023 prompt/off command/s3.ls',
  'Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/macos#23.4.0 md/arch#arm64 lang/python#3.12.2 cfg/retry-mode#legacy',
  'kubectl/v1.29.3 (linux/amd64) kubernetes/6813625',
  'git/2.44.0 (Apple Git-146)',
  'curl/8.7.1',
  '[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.692 Linux/5.10.213-179.855.amzn2int.x86_64]',
] as const;

function uuid(dice: Dice): string {
  return [8, 4, 4, 4, 12].map((length) => dice.text('hex', length)).join('-');
}

function address(dice: Dice): string {
  return [203, 0, 113, dice.roll(256)].join('.');
}

function time(dice: Dice): string {
  return new Date(1_700_000_000_000 + dice.roll(2 ** 31)).toISOString();
}

/** Texts as real logs have them, without a secret: made in the manner of CloudTrail, Okta, GitHub, sshd and applications. */
export const ORDINARY: readonly ((dice: Dice) => string)[] = [
  (dice) => `arn:aws:iam::${dice.text('digits', 12)}:user/${dice.pick(USERS)}`,
  (dice) => `arn:aws:sts::${dice.text('digits', 12)}:assumed-role/Admin/i-0${dice.text('hex', 16)}`,
  (dice) =>
    `arn:aws:secretsmanager:${dice.pick(PLACES)}:${dice.text('digits', 12)}:secret:prod/db-${dice.text('base62', 6)}`,
  (dice) => `arn:aws:kms:${dice.pick(PLACES)}:${dice.text('digits', 12)}:key/${uuid(dice)}`,
  (dice) => `AROA${dice.text('base32', 17)}:session-${dice.roll(1000)}`,
  (dice) => `AIDA${dice.text('base32', 17)}`,
  (dice) => `${dice.pick(['i', 'vol', 'sg', 'eni', 'ami', 'snap', 'vpce'])}-0${dice.text('hex', 16)}`,
  (dice) => `https://sqs.${dice.pick(PLACES)}.amazonaws.com/${dice.text('digits', 12)}/jobs`,
  (dice) =>
    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::${dice.text('digits', 12)}:root"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
  (dice) =>
    dice.pick([
      'GetSecretValue',
      'GetSessionToken',
      'ConsoleLogin',
      'UpdateAccountPasswordPolicy',
      'AssumeRole',
    ]),
  (dice) =>
    dice.pick([
      'secretsmanager.amazonaws.com',
      'signin.amazonaws.com',
      'sts.amazonaws.com',
      'com.amazonaws.s3',
    ]),
  (dice) => dice.pick(AGENTS),
  uuid,
  (dice) => uuid(dice).toUpperCase(),
  (dice) => dice.text('hex', 32),
  (dice) => dice.text('hex', 40),
  (dice) => `sha256:${dice.text('hex', 64)}`,
  (dice) => `sha512-${dice.text('base64', 86)}==`,
  (dice) => `SHA256:${dice.text('base64', 43)}`,
  (dice) => dice.text('base62', 16).toUpperCase(),
  (dice) => `${dice.text('base64', 74)}`,
  time,
  (dice) => String(1_700_000_000_000 + dice.roll(2 ** 31)),
  (dice) => `${1_700_000_000_000 + dice.roll(2 ** 31)}${dice.text('digits', 3)}`,
  (dice) => `${1_700_000_000_000 + dice.roll(2 ** 31)}${dice.text('digits', 6)}`,
  (dice) => `1${dice.text('digits', 17)}`,
  (dice) => `+4915${dice.text('digits', 9)}`,
  (dice) => `+1 (212) 555-0${dice.text('digits', 3)}`,
  (dice) => address(dice),
  (dice) => `2001:db8:${dice.text('hex', 4)}:${dice.text('hex', 4)}::${dice.text('hex', 4)}`,
  (dice) => dice.pick(USERS),
  (dice) => `00u${dice.text('base62', 17)}`,
  (dice) => `trs${dice.text('base62', 22)}`,
  (dice) =>
    dice.pick([
      'user.session.start',
      'user.authentication.auth_via_mfa',
      'policy.evaluate_sign_on',
      'system.api_token.create',
    ]),
  (dice) =>
    `User ${dice.pick(USERS)} was granted ${dice.pick(['Super admin', 'Read-only', 'Group admin'])} privilege`,
  (dice) =>
    dice.pick([
      'personal_access_token.request_created',
      'org.update_member',
      'repo.create',
      'protected_branch.destroy',
      'secret_scanning_alert.create',
    ]),
  (dice) => `my-org/my-repo#${dice.roll(10_000)}: merge pull request from bob/fix-token-refresh`,
  (dice) => `https://github.com/my-org/my-repo/commit/${dice.text('hex', 40)}`,
  (dice) =>
    `https://api.example.com:8443/v1/users/${dice.roll(100_000)}?expand=roles&sort=-created_at&email=bob@example.com`,
  (dice) => `Failed password for invalid user admin from ${address(dice)} port ${dice.roll(65_536)} ssh2`,
  (dice) =>
    `Accepted publickey for deploy from ${address(dice)} port ${dice.roll(65_536)} ssh2: ED25519 SHA256:${dice.text('base64', 43)}`,
  (dice) =>
    `Dec ${1 + dice.roll(28)} 06:55:46 host sshd[${dice.roll(30_000)}]: reverse mapping checking getaddrinfo for ns.example.com [${address(dice)}] failed - POSSIBLE BREAK-IN ATTEMPT!`,
  (dice) =>
    `pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${address(dice)} user=root`,
  (dice) => `the password of ${dice.pick(USERS)} was changed by an administrator`,
  (dice) =>
    dice.pick([
      'invalid token: expired',
      'token: missing',
      'Password: required',
      'two-factor secret: rotated.',
      'secret: unchanged',
    ]),
  () => 'the bearer of this message asks for basic information about basic authentication',
  (dice) =>
    `order ${dice.text('digits', 8)} of ${dice.roll(1000)} pieces, invoice 2026-${dice.text('digits', 6)}, total 1,234.56 EUR`,
  (dice) => `job-${dice.text('digits', 16)}-${dice.roll(100)} took ${dice.roll(10_000)} ms`,
  (dice) => `${dice.roll(90)}.${dice.text('digits', 15)}`,
  (dice) =>
    `trace=${dice.text('hex', 32)} span=${dice.text('hex', 16)} level=info msg="request done" duration=${dice.roll(1000)}ms`,
  (dice) =>
    `{"level":"info","time":${1_700_000_000_000 + dice.roll(2 ** 31)},"pid":${dice.roll(40_000)},"msg":"listening","url":"http://127.0.0.1:4000"}`,
  (dice) => `SELECT id, name FROM users WHERE tokenizer = 'icu' AND created_at > '${time(dice)}'`,
  () => 'secretary of the board; tokenization: on; className=primary; keyboard: de; author=bob',
  (dice) => `passwordResetRequired=${dice.pick(['true', 'false'])} tokenType=Bearer token_expires_in=3600`,
  (dice) => `/usr/local/lib/node_modules/pkg-${dice.roll(100)}/dist/task-runner-production-build-20260101.js`,
  (dice) => `data:image/png;base64,iVBORw0KGgo${dice.text('base64', 120)}`,
  (dice) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA${dice.text('base64', 44)} bob@laptop`,
  (dice) => `-----BEGIN CERTIFICATE-----\n${dice.text('base64', 64)}\n-----END CERTIFICATE-----`,
  (dice) =>
    `cus_${dice.text('base62', 14)} paid with pm_${dice.text('base62', 24)}, card ending in ${dice.text('digits', 4)}`,
  (dice) => `spiffe://cluster.local/ns/prod/sa/api-${dice.roll(100)}`,
  (dice) => `mailto:bob@example.com?subject=Report%20${dice.roll(100)}%3A%20done`,
  (dice) => `Grundsätzlich ${dice.roll(100)} Änderungen – 日本語のログ – ✓`,
];
