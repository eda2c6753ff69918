import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { type Config, readConfig, SETTING_NAMES } from '../config.ts';
import { badInput } from '../errors.ts';
import type { Extensions } from '../log/append/extensions.ts';
import type { PrincipalInput } from './calls.ts';

/** What a program may choose of an audit log in its own process, or of the service. */
export interface LogOptions extends Extensions {
  /** The settings; in their place `createAuditLog` takes `settings`. */
  config?: Config;
  /**
   * A PostgreSQL 14 or newer, with an empty database or one of this product. Default: `DATABASE_URL` of the settings, else
   * an embedded one under `DATA_DIR`, which starts and stops with the log.
   */
  databaseUrl?: string;
  /** Where messages for the operator go, as `pino` writes them. */
  log?: Logger;
  /**
   * Called with the admin's API key as soon as this start has stored one that it made. A start that fails afterwards gives
   * the secret here alone, and no later start gives it again.
   */
  onAdminKey?: (secret: string) => void;
  /** Milliseconds since 1970; the system's clock by default. */
  now?: () => number;
  /** The time by which the age of events is measured, likewise; the database's clock by default. */
  databaseNow?: () => Promise<number>;
}

/** The options of `openLog`, for the library and the service. */
export interface OpenLogOptions extends LogOptions {
  config: Config;
  log: Logger;
  /** Whether an admin's API key is created when there is none. */
  hasAdminKey: boolean;
}

/** Settings by their names in `.env.example`. Lists are arrays or texts with commas. */
export type Settings = {
  [Name in Exclude<keyof Config, 'HOST' | 'PORT'>]?:
    | string
    | number
    | boolean
    | readonly string[]
    | undefined;
};

/** What `createAuditLog` takes. */
export interface AuditLogOptions extends Omit<LogOptions, 'config'> {
  /**
   * Where the embedded PostgreSQL keeps its data, and the log its signing key. Default: `.data`. No other process may have it
   * open.
   */
  dataDir?: string;
  /** Further settings by their names in `.env.example`, such as `{ RETENTION_DAYS: 365 }`. The environment is not read. */
  settings?: Settings;
  /** Where clients reach the API when it is mounted, for the links of exports: `https://app.example/audit`. Default: links are relative to `<path>/graphql`. */
  publicUrl?: string;
  /** Who reads and writes where a call names nobody else. Default: this process, which may do everything. */
  principal?: PrincipalInput;
}

/** An embedding program has its own way to write its events down, and wants to hear of problems alone. */
const DEFAULTS = { LOG_EVENTS: 'off', LOG_LEVEL: 'warn' };

/** The settings of a log in the process. Throws an error that names every problem. */
export function configOf(settings: Settings = {}, dataDir?: string): Config {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const unknown = given.find(([name]) => !SETTING_NAMES.includes(name));
  if (unknown) throw badInput(`settings.${unknown[0]}`, 'is no setting: see .env.example');
  const texts = given.map(([name, value]) => [name, Array.isArray(value) ? value.join() : String(value)]);
  const environment: Record<string, string> = { ...DEFAULTS, ...Object.fromEntries(texts) };
  if (dataDir !== undefined) environment.DATA_DIR = dataDir;
  return readConfig(environment);
}

/** The settings that the environment gives to a log in the process: where a server listens is no matter of it. */
export function environmentConfig(): Config {
  const { HOST: _host, PORT: _port, ...environment } = process.env;
  return readConfig({ ...DEFAULTS, ...environment });
}

/** Where messages go by default: standard error, as lines of JSON. Standard output is the program's own. */
export function createProcessLogger({ LOG_LEVEL }: Config): Logger {
  const output: DestinationStream = destination({ fd: 2, sync: true });
  return pino({ level: LOG_LEVEL, name: 'graphql-audit-log' }, output);
}
