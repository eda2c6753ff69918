import { createHash, createPublicKey } from 'node:crypto';
import { VerificationError } from '@sigstore/verify';
import { verifyTLogInclusion } from '@sigstore/verify/dist/tlog/index.js';

type Entry = Parameters<typeof verifyTLogInclusion>[0];
type Log = Parameters<typeof verifyTLogInclusion>[1][number];

/** Whom to believe. */
export interface TrustedLog {
  origin: string;
  /** 32 bytes. */
  publicKey: Uint8Array;
}

/**
 * Whether Sigstore's own verifier, which shares no code with this project, accepts the checkpoint and the inclusion
 * proof of a bundle with the event as extra data. The bundle is taken apart here, by its specification alone.
 */
export function sigstoreAccepts(bundle: string, log: TrustedLog): boolean {
  try {
    verifyTLogInclusion(entryOf(bundle), [authorityOf(log)]);
    return true;
  } catch (error) {
    if (error instanceof VerificationError) return false;
    throw error;
  }
}

function entryOf(bundle: string): Entry {
  const blank = bundle.indexOf('\n\n');
  const [, extra = '', index = '', ...hashes] = bundle.slice(0, blank).split('\n');
  const logIndex = index.slice('index '.length);
  return {
    logIndex,
    // Of Sigstore's own logs; a proof of inclusion does without.
    logId: { keyId: Buffer.alloc(0) },
    kindVersion: { kind: '', version: '' },
    integratedTime: '0',
    inclusionPromise: undefined,
    inclusionProof: {
      logIndex,
      // Sigstore takes root and size from the checkpoint alone.
      rootHash: Buffer.alloc(0),
      treeSize: '0',
      hashes: hashes.map((hash) => Buffer.from(hash, 'base64')),
      checkpoint: { envelope: bundle.slice(blank + 2) },
    },
    canonicalizedBody: Buffer.from(extra.slice('extra '.length), 'base64'),
  };
}

function authorityOf({ origin, publicKey }: TrustedLog): Log {
  const id = createHash('sha256').update(`${origin}\n`).update(Uint8Array.of(1)).update(publicKey).digest();
  const x = Buffer.from(publicKey).toString('base64url');
  return {
    logID: id,
    baseURL: `https://${origin}`,
    publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
    validFor: { start: new Date(0), end: new Date(8.64e15) },
  };
}
