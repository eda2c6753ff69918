import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA';

/** A key pair of an issuer. */
export interface IssuerKey {
  kid: string;
  algorithm: Algorithm;
  publicKey: KeyObject;
  privateKey: KeyObject;
}

/** Somebody who gives out tokens: its keys are served on loopback, and nothing of it is the code under test. */
export interface TestIssuer {
  name: string;
  jwksUrl: string;
  /** How the service is told of it. */
  setting: string;
  /** The keys that it publishes; may be changed. */
  published: IssuerKey[];
  /** How it answers; by default with the keys. */
  answer: (response: ServerResponse) => void;
  /** How often it was asked. */
  asked(): number;
  /** A token with a subject, that audience and a minute to live, unless the claims say something else. */
  token(claims?: object, options?: { key?: IssuerKey; header?: object }): string;
  close(): Promise<void>;
}

export const AUDIENCE = 'audit-log';

const PAIRS: Record<Algorithm, () => { publicKey: KeyObject; privateKey: KeyObject }> = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};

/** Makes a key pair. */
export function createIssuerKey(algorithm: Algorithm): IssuerKey {
  return { kid: randomBytes(6).toString('hex'), algorithm, ...PAIRS[algorithm]() };
}

/** Starts an issuer on a free port of loopback. */
export async function startIssuer(algorithm: Algorithm = 'ES256'): Promise<TestIssuer> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    issuer.answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const name = `https://issuer.example/${randomBytes(4).toString('hex')}`;
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  const issuer: TestIssuer = {
    name,
    jwksUrl,
    setting: `${name} ${jwksUrl}`,
    published: [createIssuerKey(algorithm)],
    answer: (response) => response.end(JSON.stringify({ keys: issuer.published.map(publicJwk) })),
    asked: () => asked,
    token(claims = {}, { key = issuer.published[0] as IssuerKey, header = {} } = {}) {
      const exp = Math.floor(Date.now() / 1_000) + 60;
      const text = JSON.stringify({ iss: name, aud: AUDIENCE, sub: 'alice', exp, ...claims });
      return signToken(JSON.stringify({ alg: key.algorithm, kid: key.kid, ...header }), text, key);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return issuer;
}

/** The key as a JWK for the public. */
export function publicJwk({ publicKey, kid, algorithm }: IssuerKey): object {
  return { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' };
}

/** A token of any header and claims, signed as the key's algorithm wants it. */
export function signToken(header: string, claims: string | Uint8Array, key: IssuerKey): string {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${base64url(signatureOf(signed, key))}`;
}

export function base64url(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/** What the ids of that issuer's token holders begin with. */
export function holderPrefix(issuerName: string): string {
  return `jwt:${createHash('sha256').update(issuerName).digest('hex').slice(0, 12)}:`;
}

function signatureOf(text: string, { algorithm, privateKey: key }: IssuerKey): Buffer {
  const data = Buffer.from(text);
  if (algorithm === 'EdDSA') return sign(null, data, key);
  if (algorithm === 'ES256') return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  // 6 is RSA_PKCS1_PSS_PADDING, 1 RSA_PKCS1_PADDING.
  return sign(
    'sha256',
    data,
    algorithm === 'PS256' ? { key, padding: 6, saltLength: 32 } : { key, padding: 1 },
  );
}
