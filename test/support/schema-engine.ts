import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
} from '@prisma/driver-adapter-utils';
import * as wasm from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

const { resolve } = createRequire(import.meta.url);
const PATH = 'schema.prisma';
const CHAR = 18;
const { TEXT } = pg.types.builtins;
let loaded: Promise<void> | undefined;

/** What `prisma db pull` would make of a schema: its names, descriptions and order; all else as the database has it. */
export async function pullSchema(url: string, schema: string): Promise<string> {
  loaded ??= load();
  await loaded;
  const pool = new CharPool({ connectionString: url, max: 1 });
  const adapters = bindMigrationAwareSqlAdapterFactory(new CharAdapters(pool));
  const engine = await wasm.SchemaEngine.new({ datamodels: [[PATH, schema]] }, () => undefined, adapters);
  try {
    const { schema: pulled } = await engine.introspect({
      schema: { files: [{ path: PATH, content: schema }] },
      baseDirectoryPath: '/',
      force: false,
      compositeTypeDepth: 0,
      namespaces: null,
    });
    return pulled.files.map(({ content }) => content).join('\n');
  } finally {
    engine.free();
    await pool.end();
  }
}

/** The version of the engine that is loaded: a commit. */
export async function engineVersion(): Promise<string> {
  loaded ??= load();
  await loaded;
  return wasm.version();
}

// The package expects a bundler that loads WebAssembly as a module, which Node 20 does not.
async function load(): Promise<void> {
  const panics = { set_message: (text: string) => console.error(text) };
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panics });
  const bytes = await readFile(resolve('@prisma/schema-engine-wasm').replace(/\.js$/, '_bg.wasm'));
  const imports = { './schema_engine_bg.js': { ...wasm } as WebAssembly.ModuleImports };
  const { instance } = await WebAssembly.instantiate(bytes, imports);
  wasm.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
}

// The catalog of PostgreSQL has many columns of the type "char". The engine wants them as characters, and the adapter
// refuses them: so they pass it as text, and get their type back behind it.
const charsOf = new WeakMap<object, number[]>();

class CharPool extends pg.Pool {
  // biome-ignore lint/suspicious/noExplicitAny: pg has one overload for each form of a statement; all go through here.
  override async query(...parameters: any[]): Promise<any> {
    const result = await super.query(...(parameters as [string]));
    const chars = result.fields.flatMap(({ dataTypeID }, index) => (dataTypeID === CHAR ? [index] : []));
    charsOf.set(result.rows, chars);
    const fields = result.fields.map((field) =>
      field.dataTypeID === CHAR ? { ...field, dataTypeID: TEXT } : field,
    );
    return { ...result, fields };
  }
}

class CharAdapters extends PrismaPg {
  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    const queryRaw: SqlDriverAdapter['queryRaw'] = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const index of charsOf.get(result.rows) ?? [])
        result.columnTypes[index] = ColumnTypeEnum.Character;
      return result;
    };
    return adapter;
  }
}
