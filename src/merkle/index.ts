/**
 * The mathematics of the log's evidence, for programs that verify it: RFC 6962 and RFC 9162 trees, and the C2SP forms of
 * checkpoints, notes, tiles and proof bundles. No I/O and no module of Node: it runs in browsers too.
 */
export * from './base64.ts';
export * from './bundle.ts';
export * from './checkpoint.ts';
export * from './cosignature.ts';
export * from './customer-path.ts';
export * from './decimal.ts';
export * from './ed25519.ts';
export * from './entries.ts';
export * from './format-error.ts';
export * from './hash.ts';
export * from './note.ts';
export * from './note-key.ts';
export * from './note-signature.ts';
export * from './proof.ts';
export * from './sha256.ts';
export * from './sha256-portable.ts';
export * from './signed-checkpoint.ts';
export * from './tile.ts';
export * from './tile-path.ts';
export * from './tree.ts';
export * from './verify.ts';
