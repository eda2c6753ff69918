import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { type Config, readConfig, SETTING_NAMES } from '../config.ts';
import { badInput } from '../errors.ts';
import type { Extensions } from '../log/append/extensions.ts';
import type { PrincipalInput } from './calls.ts';

/** Options that an audit log in the program's process and the service share. */
export interface LogOptions extends Extensions {
  /** The settings of the service. `createAuditLog` takes `settings` instead. */
  config?: Config;
  /**
   * The URL of a PostgreSQL 14 or newer, with an empty database or one of an audit log. Default: `DATABASE_URL` of the
   * settings, else an embedded PostgreSQL under `DATA_DIR`, which starts and stops with the log.
   */
  databaseUrl?: string;
  /** The `pino` logger for messages to the operator. */
  log?: Logger;
  /**
   * Called with the admin's API key when this start has created and stored one. The secret is passed nowhere else, also when
   * the start fails afterwards, and no later start has it.
   */
  onAdminKey?: (secret: string) => void;
  /** The current time in milliseconds since 1970. Default: the system clock. */
  now?: () => number;
  /** The current time by which retention measures the age of events. Default: the clock of the database. */
  databaseNow?: () => Promise<number>;
}

/** The options of `openLog`, for the library and the service. */
export interface OpenLogOptions extends LogOptions {
  config: Config;
  log: Logger;
  /** Whether an admin's API key is created when there is none. */
  hasAdminKey: boolean;
}

/** Settings by their names in `.env.example`. Lists are arrays, or strings with commas. */
export type Settings = {
  [Name in Exclude<keyof Config, 'HOST' | 'PORT'>]?:
    | string
    | number
    | boolean
    | readonly string[]
    | undefined;
};

/** Options of `createAuditLog`. */
export interface AuditLogOptions extends Omit<LogOptions, 'config'> {
  /**
   * The directory of the embedded PostgreSQL and of the log's signing key. Default: `.data`. Only one process at a time may
   * use an embedded PostgreSQL.
   */
  dataDir?: string;
  /** Further settings by their names in `.env.example`, such as `{ RETENTION_DAYS: 365 }`. The environment is not read. */
  settings?: Settings;
  /** The public URL of the mounted API, for links of exports: `https://app.example/audit`. Default: links relative to `<path>/graphql`. */
  publicUrl?: string;
  /** The principal of calls that name none. Default: the program itself, with all scopes. */
  principal?: PrincipalInput;
}

/** A program logs its own events itself, and needs only warnings and errors from this log. */
const DEFAULTS = { LOG_EVENTS: 'off', LOG_LEVEL: 'warn' };

/** The settings of a log in the program's process. Throws an error that names every problem. */
export function configOf(settings: Settings = {}, dataDir?: string): Config {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const unknown = given.find(([name]) => !SETTING_NAMES.includes(name));
  if (unknown) throw badInput(`settings.${unknown[0]}`, 'is not a setting: see .env.example');
  const texts = given.map(([name, value]) => [name, Array.isArray(value) ? value.join() : String(value)]);
  const environment: Record<string, string> = { ...DEFAULTS, ...Object.fromEntries(texts) };
  if (dataDir !== undefined) environment.DATA_DIR = dataDir;
  return readConfig(environment);
}

/** The settings of the environment for a log in the program's process, without those of listening. */
export function environmentConfig(): Config {
  const { HOST: _host, PORT: _port, ...environment } = process.env;
  return readConfig({ ...DEFAULTS, ...environment });
}

/** The default logger: JSON lines on standard error, since standard output belongs to the program. */
export function createProcessLogger({ LOG_LEVEL }: Config): Logger {
  const output: DestinationStream = destination({ fd: 2, sync: true });
  return pino({ level: LOG_LEVEL, name: 'graphql-audit-log' }, output);
}
