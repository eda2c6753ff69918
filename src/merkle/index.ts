/**
 * The mathematics of the log's evidence, for programs that verify it: RFC 6962 and RFC 9162 trees, and the C2SP forms of
 * checkpoints, notes, tiles and proof bundles. No I/O and no module of Node: it runs in browsers too.
 */
export * from './checkpoint.ts';
export * from './encoding.ts';
export * from './hash.ts';
export * from './note.ts';
export * from './proof-bundle.ts';
export * from './prove.ts';
export * from './sha256-portable.ts';
export * from './signatures.ts';
export * from './tile.ts';
export * from './tile-files.ts';
export * from './tree.ts';
export * from './verify-proof.ts';
