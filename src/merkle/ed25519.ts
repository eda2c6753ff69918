type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

const JWK = { kty: 'OKP', crv: 'Ed25519' };

function encodeBase64Url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** node:crypto where there is one: WebCrypto in Node 20 warns that its Ed25519 is experimental. */
function nodeVerify(): VerifyEd25519 | undefined {
  const node = globalThis.process?.getBuiltinModule?.('node:crypto');
  if (node?.createPublicKey === undefined) return undefined;
  return async (publicKey, message, signature) => {
    const key = node.createPublicKey({ key: { ...JWK, x: encodeBase64Url(publicKey) }, format: 'jwk' });
    return node.verify(null, message, key, signature);
  };
}

const webVerify: VerifyEd25519 = async (publicKey, message, signature) => {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey('raw', Uint8Array.from(publicKey), 'Ed25519', false, ['verify']);
  return subtle.verify('Ed25519', key, Uint8Array.from(signature), Uint8Array.from(message));
};

const verify = nodeVerify() ?? webVerify;

/**
 * Whether `signature` (64 bytes) is the Ed25519 signature of `message` by `publicKey` (32 bytes, RFC 8032). False
 * for any other length. Uses node:crypto in Node and WebCrypto in a browser (Chrome 137, Firefox 129, Safari 17 or
 * later); rejects where neither knows Ed25519.
 */
export const verifyEd25519: VerifyEd25519 = async (publicKey, message, signature) =>
  publicKey.length === 32 && signature.length === 64 && verify(publicKey, message, signature);
