import { createSecret } from '../../../src/auth/api-keys.ts';
import type { Alphabet, Dice } from './dice.ts';

/** A kind of secret and a maker of samples. They are put together here, so that no scanner takes this file for a leak. */
export interface Kind {
  name: string;
  make(dice: Dice): string;
}

function kind(name: string, make: (dice: Dice) => string): Kind {
  return { name, make };
}

/** Fixed parts, and random ones as pairs of an alphabet and a length. */
function token(name: string, ...parts: (string | readonly [Alphabet, number])[]): Kind {
  return kind(name, (dice) =>
    parts.map((part) => (typeof part === 'string' ? part : dice.text(...part))).join(''),
  );
}

const json = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(dice: Dice): string {
  const header = json({ alg: dice.pick(['HS256', 'RS256', 'ES256', 'EdDSA']), typ: 'JWT' });
  return `${header}.${json({ sub: dice.text('lower', 12), exp: dice.roll(2 ** 31) })}.${dice.text('base64url', 43)}`;
}

function jwe(dice: Dice): string {
  const header = json({ alg: 'RSA-OAEP', enc: 'A256GCM', kid: dice.text('lower', 8) });
  return [header, ...[342, 16, 80, 22].map((length) => dice.text('base64url', length))].join('.');
}

function pem(label: string, lineEnd: string) {
  return (dice: Dice) => {
    const lines = Array.from({ length: 12 }, () => dice.text('base64', 64));
    const edge = (word: string) => `-----${word} ${label}-----`;
    return [edge('BEGIN'), ...lines, edge('END')].join(lineEnd);
  };
}

/** A number with its check digit (Luhn). */
export function withCheckDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const weighted = Number(digit) * (at % 2 === 0 ? 2 : 1);
    return total + (weighted > 9 ? weighted - 9 : weighted);
  }, 0);
  return digits + ((10 - (sum % 10)) % 10);
}

function card(begin: string, length: number, groups: number[] = []) {
  return (dice: Dice) => {
    const digits = withCheckDigit(begin + dice.text('digits', length - 1 - begin.length));
    if (groups.length === 0) return digits;
    const starts = groups.map((_, index) => groups.slice(0, index).reduce((sum, size) => sum + size, 0));
    return groups
      .map((size, index) => digits.slice(starts[index], (starts[index] ?? 0) + size))
      .join(dice.pick([' ', '-']));
  };
}

function iban(dice: Dice): string {
  const account = dice.text('digits', 18);
  const check = 98n - (BigInt(`${account}131400`) % 97n);
  return `DE${String(check).padStart(2, '0')}${account}`;
}

/** Secrets by form: each has to be found wherever it stands. */
export const KINDS: readonly Kind[] = [
  kind('key of this service', () => createSecret()),
  kind('JWT', jwt),
  kind('JWE', jwe),
  kind('PEM, PKCS #8', pem('PRIVATE KEY', '\n')),
  kind('PEM, RSA, line ends escaped', pem('RSA PRIVATE KEY', '\\n')),
  kind('PEM, EC', pem('EC PRIVATE KEY', '\r\n')),
  kind('PEM, OpenSSH', pem('OPENSSH PRIVATE KEY', '\n')),
  kind('PEM, encrypted', pem('ENCRYPTED PRIVATE KEY', '\n')),
  kind('PGP', pem('PGP PRIVATE KEY BLOCK', '\n')),
  token('AWS access key id', 'AK', 'IA', ['base32', 16]),
  token('AWS temporary access key id', 'AS', 'IA', ['base32', 16]),
  token('AWS credentials file', 'AK', 'IA', ['base32', 16], ',', ['base62', 40]),
  token('AWS session token', 'IQoJ', 'b3JpZ2lu', ['base64', 400]),
  token('Google API key', 'AI', 'za', ['base64url', 35]),
  token('Google access token', 'ya', '29.', ['base64url', 120]),
  token('Google client secret', 'GOC', 'SPX-', ['base64url', 28]),
  token('Google refresh token', '1/', '/0', ['base64url', 50]),
  token('GitHub personal', 'gh', 'p_', ['base62', 36]),
  token('GitHub OAuth', 'gh', 'o_', ['base62', 36]),
  token('GitHub user', 'gh', 'u_', ['base62', 36]),
  token('GitHub installation', 'gh', 's_', ['base62', 36]),
  token('GitHub refresh', 'gh', 'r_', ['base62', 76]),
  token('GitHub fine-grained', 'github', '_pat_', ['base62', 22], '_', ['base62', 59]),
  token('GitLab personal', 'gl', 'pat-', ['base64url', 20]),
  token('GitLab personal, routable', 'gl', 'pat-', ['base64url', 27], '.01.', ['lower', 9]),
  token('GitLab runner', 'gl', 'rt-', ['base64url', 20]),
  token('GitLab deploy', 'gl', 'dt-', ['base64url', 20]),
  token('GitLab trigger', 'gl', 'ptt-', ['hex', 40]),
  token('Atlassian', 'ATA', 'TT3', ['base64url', 186]),
  token('Bitbucket app password', 'AT', 'BB', ['base62', 32]),
  token('Slack bot', 'xo', 'xb-', ['digits', 12], '-', ['digits', 13], '-', ['base62', 24]),
  token('Slack user', 'xo', 'xp-', ['digits', 12], '-', ['digits', 12], '-', ['digits', 12], '-', [
    'hex',
    32,
  ]),
  token('Slack app', 'xa', 'pp-1-A', ['upper', 10], '-', ['digits', 13], '-', ['hex', 64]),
  token('Slack webhook', 'https://hooks.sla', 'ck.com/services/T', ['upper', 8], '/B', ['upper', 10], '/', [
    'base62',
    24,
  ]),
  token('Discord webhook', 'https://discord.com/api/web', 'hooks/', ['digits', 18], '/', ['base64url', 68]),
  token('Discord bot', 'MTE', ['base62', 21], '.G', ['base64url', 5], '.', ['base64url', 38]),
  token('Stripe live', 'sk', '_live_', ['base62', 24]),
  token('Stripe test', 'sk', '_test_', ['base62', 99]),
  token('Stripe restricted', 'rk', '_live_', ['base62', 24]),
  token('Stripe webhook', 'whs', 'ec_', ['base62', 32]),
  token('Twilio API key', 'S', 'K', ['hex', 32]),
  token('SendGrid', 'S', 'G.', ['base64url', 22], '.', ['base64url', 43]),
  token('Mailgun', 'ke', 'y-', ['hex', 32]),
  token('Mailchimp', ['hex', 32], '-u', 's12'),
  token('Brevo', 'xkey', 'sib-', ['hex', 64], '-', ['base62', 16]),
  token('npm', 'np', 'm_', ['base62', 36]),
  token('PyPI', 'py', 'pi-AgEIcHlwaS5vcmc', ['base64url', 150]),
  token('RubyGems', 'ruby', 'gems_', ['hex', 48]),
  token('Docker Hub', 'dckr', '_pat_', ['base64url', 27]),
  token('DigitalOcean', 'do', 'p_v1_', ['hex', 64]),
  token('Heroku', 'HR', 'KU-AA', ['base64url', 58]),
  token('Fly.io', 'fo', '1_', ['base64url', 43]),
  token('Cloudflare', 'cf', 'ut_', ['base62', 40], ['hex', 8]),
  token('Tailscale', 'ts', 'key-auth-', ['base62', 12], '-', ['base62', 32]),
  token('Databricks', 'da', 'pi', ['hex', 32]),
  token('Vault service', 'hv', 's.', ['base64url', 95]),
  token('Vault batch', 'hv', 'b.', ['base64url', 140]),
  token('Terraform', ['base62', 14], '.atlas', 'v1.', ['base64url', 67]),
  token('Pulumi', 'pu', 'l-', ['hex', 40]),
  token('PlanetScale', 'pscale', '_pw_', ['base64url', 43]),
  token('Supabase', 'sb', 'p_', ['hex', 40]),
  token('Doppler', 'dp', '.pt.', ['base62', 43]),
  token('1Password', 'op', 's_eyJ', ['base64', 300]),
  token('age', 'AGE-SEC', 'RET-KEY-1', ['upper', 58]),
  token('OpenAI project', 'sk', '-proj-', ['base64url', 74], 'T3Blbk', 'FJ', ['base64url', 74]),
  token('OpenAI, older', 'sk', '-', ['base62', 20], 'T3Blbk', 'FJ', ['base62', 20]),
  token('Anthropic', 'sk', '-ant-api03-', ['base64url', 93], 'AA'),
  token('Hugging Face', 'h', 'f_', ['base62', 34]),
  token('Groq', 'gs', 'k_', ['base62', 52]),
  token('Shopify', 'shp', 'at_', ['hex', 32]),
  token('Square', 'sq0', 'csp-', ['base64url', 43]),
  token('Telegram', ['digits', 10], ':A', 'A', ['base64url', 33]),
  token('Linear', 'lin', '_api_', ['base62', 40]),
  token('Notion', 'nt', 'n_', ['digits', 11], ['base62', 35]),
  token('Figma', 'fi', 'gd_', ['base64url', 43]),
  token('Postman', 'PM', 'AK-', ['hex', 24], '-', ['hex', 34]),
  token('Sentry', 'snt', 'ryu_', ['hex', 64]),
  token('Grafana', 'gl', 'sa_', ['base62', 32], '_', ['hex', 8]),
  token('New Relic', 'NR', 'AK-', ['upper', 27]),
  token('Dynatrace', 'dt0', 'c01.', ['upper', 24], '.', ['upper', 64]),
  token('Azure storage key', ['base64', 76], '+A', 'St', ['base62', 5], 'A=', '='),
  token('Azure AD client secret', ['base62', 3], '8', 'Q~', ['base62', 34]),
  token('OpenShift', 'sha', '256~', ['base64url', 43]),
  kind('Visa', card('4', 16)),
  kind('Visa in groups', card('4', 16, [4, 4, 4, 4])),
  kind('Visa of 13 digits', card('4', 13)),
  kind('Mastercard', card('53', 16)),
  kind('Mastercard, series 2', card('2412', 16, [4, 4, 4, 4])),
  kind('American Express', card('37', 15)),
  kind('American Express in groups', card('34', 15, [4, 6, 5])),
  kind('Discover', card('6011', 16)),
  kind('Diners Club', card('36', 14)),
  kind('JCB', card('3530', 16)),
  kind('UnionPay of 19 digits', card('62', 19)),
  kind('IBAN', iban),
];

/** Secrets that are known by what is around them: the text, whose part in ⟦ ⟧ has to go. */
export const IN_CONTEXT: readonly Kind[] = [
  token('URL', 'postgres://app:⟦', ['base62', 16], '⟧@db.internal:5432/app'),
  token('URL with an odd password', 'mysql://root:⟦', ['base62', 6], '@!$', ['base62', 3], '⟧@10.0.0.7/app'),
  token('URL without a user', 'redis://:⟦', ['hex', 32], '⟧@cache:6379/0'),
  token('URL in JSON', '{"url":"https:\\/\\/bob:⟦', ['base62', 12], '⟧@example.com\\/x"}'),
  token('bearer header', 'Authorization: Bearer ⟦', ['base64url', 40], '⟧'),
  token('bearer header, odd case', 'authorization:bearer ⟦', ['hex', 20], '⟧'),
  token('bearer alone', 'sent Bearer ⟦', ['base64url', 32], '⟧ to the gateway'),
  kind(
    'basic header',
    (dice) => `Authorization: Basic ⟦${Buffer.from(`bob:${dice.text('base62', 12)}`).toString('base64')}⟧`,
  ),
  token('curl with a user', 'curl -sS -u admin:⟦', ['base62', 14], '⟧ https://example.com/'),
  token('assignment', 'DB_PASSWORD=⟦', ['base62', 12], '⟧'),
  token('assignment in quotes', 'export API_KEY="⟦', ['base62', 12], ' ', ['base62', 6], '⟧"'),
  token(
    'with separators in it',
    'password=⟦',
    ['base62', 5],
    '&',
    ['base62', 5],
    ';',
    ['digits', 3],
    '⟧&user=bob',
  ),
  token('query', 'GET /cb?state=1&access_token=⟦', ['base62', 24], '⟧&scope=all'),
  token('query, escaped', 'next=%2Fcb%3Ftoken%3D⟦', ['base62', 24], '⟧%26scope%3Dall'),
  token(
    'signed URL',
    'https://acct.blob.core.windows.net/c/b?sv=2022-11-02&sr=b&sig=⟦',
    ['base62', 40],
    '%3D⟧&se=2026',
  ),
  token('S3 signature', 'https://b.s3.amazonaws.com/k?X-Amz-Expires=900&X-Amz-Signature=⟦', ['hex', 64], '⟧'),
  token(
    'Azure connection string',
    'AccountName=acct;AccountKey=⟦',
    ['base64', 86],
    '==⟧;EndpointSuffix=core.windows.net',
  ),
  token('Service Bus', 'Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=⟦', ['base64', 43], '=⟧'),
  token('SQL Server', 'Server=tcp:db,1433;User ID=sa;Password=⟦', ['base62', 10], '⟧;Encrypt=true'),
  token('AWS secret key', 'aws_secret_access_key = ⟦', ['base64', 40], '⟧'),
  token('AWS in camel case', '"SecretAccessKey": "⟦', ['base64', 40], '⟧"'),
  token(
    'Heroku key',
    'HEROKU_API_KEY=⟦',
    ['hex', 8],
    '-',
    ['hex', 4],
    '-',
    ['hex', 4],
    '-',
    ['hex', 4],
    '-',
    ['hex', 12],
    '⟧',
  ),
  token('JSON in text', '{"user":"bob","password":"⟦', ['base62', 8], '\\"', ['base62', 4], '⟧","ok":true}'),
  token('JSON in JSON', '{\\"user\\":\\"bob\\",\\"password\\":\\"⟦', ['base62', 8], '⟧\\",\\"ok\\":true}'),
  token('YAML', 'user: bob\npassword: ⟦', ['base62', 8], '1⟧\nport: 5432'),
  token('XML', '<user>bob</user><password>⟦', ['base62', 12], '⟧</password>'),
  token('command line', 'mysqldump --user bob --password ⟦', ['base62', 12], '⟧ --all-databases'),
  token('command line with =', 'psql --set=x --token=⟦', ['base62', 12], '⟧ -c 1'),
  token('SQL', "ALTER ROLE app WITH PASSWORD '⟦", ['base62', 12], "⟧' VALID UNTIL 'infinity'"),
  token('Ruby', ':secret => "⟦', ['base62', 12], '⟧", :port => 1'),
  token('cookies', 'Cookie: ⟦sid=', ['hex', 32], '; theme=dark; csrf=', ['hex', 16], '⟧'),
  token('US social security number', 'ssn: ⟦', ['digits', 3], '-', ['digits', 2], '-', ['digits', 4], '⟧'),
  token('card, named', 'credit card number: ⟦', ['digits', 4], '⟧'),
  token('bank account', 'bank_account=⟦', ['digits', 10], '⟧, routing number=⟦', '021000021', '⟧'),
  token('in a sentence', 'login failed, password: ⟦', ['base62', 7], '7⟧ was refused'),
];
