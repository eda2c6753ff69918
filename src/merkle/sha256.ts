import { sha256Portable } from './sha256-portable.ts';

type Sha256 = (data: Uint8Array) => Uint8Array;

/**
 * node:crypto where there is one, else undefined. Asked for at run time, not imported, so that the same files load
 * in a browser with or without a bundler.
 */
function nodeSha256(): Sha256 | undefined {
  const node = globalThis.process?.getBuiltinModule?.('node:crypto');
  // By way of hex: a buffer of its own for every hash costs twice the time, and the garbage collector more.
  return node?.hash && ((data) => Buffer.from(node.hash('sha256', data, 'hex'), 'hex'));
}

/** SHA-256 of `data` in 32 bytes, synchronous: node:crypto in Node, plain JavaScript in a browser. */
export const sha256: Sha256 = nodeSha256() ?? sha256Portable;
