import { SCOPES, type Scope } from '../../../src/auth/principal-and-scopes.ts';
import { createPool } from '../../../src/db/pool.ts';
import { createIssuerKey, type TestIssuer } from '../../support/issuer.ts';
import type { TestService } from '../../support/service.ts';
import { createKey } from '../create-key.ts';

/** Where the callers get their keys and tokens. */
export interface KeySource {
  service: TestService;
  /** Its tokens name their customer in `org`. */
  issuer: TestIssuer;
  databaseUrl: string;
}

/** Somebody who asks. */
export interface Caller {
  /**
   * A stranger has no valid key, somebody unfit all scopes but the one that is needed; the others have it, and see all
   * or what is of one customer. Nobody of a customer can be an admin.
   */
  is: 'stranger' | 'unfit' | 'of all' | 'of acme' | 'of globex';
  /** The key or token for something that needs the scope. */
  keyFor(source: KeySource, scope: Scope): string | Promise<string>;
}

const ENUM = {
  'events:write': 'EVENTS_WRITE',
  'events:read': 'EVENTS_READ',
  'events:export': 'EVENTS_EXPORT',
  admin: 'ADMIN',
} as const;

const others = (scope: Scope) => SCOPES.filter((one) => one !== scope && one !== 'admin');
const boundScopes = (scope: Scope) => (scope === 'admin' ? others(scope) : [scope]);
const seconds = () => Math.floor(Date.now() / 1_000);

const keyOf = async ({ service }: KeySource, scopes: readonly Scope[], more: object = {}) =>
  createKey(service, { name: 'k', scopes: scopes.map((scope) => ENUM[scope]), ...more });

async function revokedKey(source: KeySource): Promise<string> {
  const { key, secret } = await keyOf(source, ['admin']);
  await source.service.ask('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id: key.id });
  return secret;
}

async function expiredKey(source: KeySource): Promise<string> {
  const { key, secret } = await keyOf(source, ['admin'], { expiresAt: '2099-01-01T00:00:00Z' });
  const pool = createPool(source.databaseUrl, () => undefined);
  await pool.query("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1", [key.id]);
  await pool.end();
  return secret;
}

const tokenOf = ({ issuer }: KeySource, scopes: readonly Scope[], claims: object = {}) =>
  issuer.token({ scope: scopes.join(' '), ...claims });

function key(is: Caller['is'], scopesFor: (scope: Scope) => readonly Scope[], more: object = {}): Caller {
  return { is, keyFor: async (source, scope) => (await keyOf(source, scopesFor(scope), more)).secret };
}

function token(
  is: Caller['is'],
  scopesFor: (scope: Scope) => readonly Scope[],
  claims: () => object,
): Caller {
  return { is, keyFor: (source, scope) => tokenOf(source, scopesFor(scope), claims()) };
}

/** Everybody who may ask. */
export const CALLERS: Record<string, Caller> = {
  'no key': { is: 'stranger', keyFor: () => '' },
  'an unknown key': { is: 'stranger', keyFor: () => 'a-key-of-nobody-0123456789abcdef' },
  'a revoked key': { is: 'stranger', keyFor: revokedKey },
  'an expired key': { is: 'stranger', keyFor: expiredKey },
  'a key with all other scopes': key('unfit', others),
  'a key with the scope': key('of all', (scope) => [scope]),
  "the customer's key": key('of acme', boundScopes, { customerId: 'acme' }),
  "another customer's key": key('of globex', boundScopes, { customerId: 'globex' }),
  'a forged token': {
    is: 'stranger',
    keyFor: ({ issuer }) => issuer.token({ scope: 'admin' }, { key: createIssuerKey('ES256') }),
  },
  'an expired token': token(
    'stranger',
    () => ['admin'],
    () => ({ exp: seconds() - 1 }),
  ),
  'a token for somebody else': token(
    'stranger',
    () => ['admin'],
    () => ({ aud: 'somebody else' }),
  ),
  'a token of no customer': token('stranger', others, () => ({})),
  'a token with all other scopes': token('unfit', others, () => ({ org: 'acme' })),
  "the customer's token": token('of acme', boundScopes, () => ({ org: 'acme' })),
  "another customer's token": token('of globex', boundScopes, () => ({ org: 'globex' })),
  "an admin's token": token(
    'of all',
    () => ['admin'],
    () => ({}),
  ),
};
