// Writes the entries for programs in CommonJS beside the ES modules in dist. Node loads those by `require`, from 20.19 on;
// TypeScript wants the types in a file of the other kind.
import { readFileSync, writeFileSync } from 'node:fs';

const dist = new URL('../dist/', import.meta.url);

for (const entry of ['index', 'merkle/index']) {
  const file = entry.split('/').at(-1);
  const module = await import(new URL(`${entry}.js`, dist));
  const names = Object.keys(module);
  const source = readFileSync(new URL(`${entry}.d.ts`, dist), 'utf8');
  const types = `import('./${file}.js', { with: { 'resolution-mode': 'import' } })`;
  const lines = [
    `export type * from './${file}.js' with { 'resolution-mode': 'import' };`,
    `type Library = typeof ${types};`,
    ...names.map((name) => `export declare const ${name}: Library['${name}'];`),
    // What is exported here hides what comes with the star: of a class that is its type too.
    ...names.filter((name) => isClass(module[name])).map((name) => `export type ${name} = ${types}.${name};`),
  ];
  if (source.includes('export default')) throw new Error(`${entry}: a default export has no counterpart`);
  writeFileSync(new URL(`${entry}.d.cts`, dist), `${lines.join('\n')}\n`);
  writeFileSync(new URL(`${entry}.cjs`, dist), `'use strict';\nmodule.exports = require('./${file}.js');\n`);
}

function isClass(value) {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}
