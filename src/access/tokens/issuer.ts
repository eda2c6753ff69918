/** Somebody whose tokens are accepted. */
export interface Issuer {
  /** What its tokens say in `iss`. */
  name: string;
  /** Where its public keys are (RFC 7517). */
  jwksUrl: string;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Reads `ISSUER JWKS_URL`, two words. Throws when it is something else, or keys would come over an open line. */
export function parseIssuer(text: string): Issuer {
  const [name = '', jwksUrl = '', ...rest] = text.split(/\s+/);
  if (!URL.canParse(jwksUrl) || rest.length > 0)
    throw new Error(
      'an issuer is written "ISSUER JWKS_URL": what its tokens say in iss, and where its keys are',
    );
  const { protocol, hostname, username, password } = new URL(jwksUrl);
  // Over http anybody on the way could put in keys of his own.
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname)))
    throw new Error('the JWKS URL of an issuer must be https, or http on this machine');
  if (username || password) throw new Error('the JWKS URL of an issuer has neither user nor password');
  return { name, jwksUrl };
}
