import { userInfo } from 'node:os';
import { type ApiKey, listKeys } from '../auth/api-keys.ts';
import { createKey, type KeyInput, type KeyStore, revokeKey } from '../auth/manage-keys.ts';
import { readConfig } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { createPool } from '../db/pool.ts';
import { prismaOn } from '../db/prisma.ts';
import { formatTime } from '../events/time.ts';
import { createAppender } from '../log/append/appender.ts';
import { wantAll } from '../log/append/extensions.ts';
import type { Caller } from '../log/append/record.ts';
import { createHead } from '../log/head.ts';
import { readPositions } from '../log/read/events.ts';
import { openRedaction } from '../log/service-secrets.ts';
import { openDatabase } from './open-database.ts';

/** Creates a key; returns what to print. */
export async function create(input: KeyInput, isJson: boolean): Promise<string> {
  const { key, secret } = await withKeyStore((store) => createKey(store, systemUser(), input));
  if (isJson) return JSON.stringify({ key: keyJson(key), secret });
  return `${keyTable([key], Date.now())}\n\nSecret, shown this once: ${secret}`;
}

/** Lists all keys; returns what to print. */
export async function list(isJson: boolean): Promise<string> {
  const keys = await withKeyStore(({ pool }) => listKeys(pool));
  return isJson ? JSON.stringify(keys.map(keyJson)) : keyTable(keys, Date.now());
}

/** Revokes a key; returns what to print. */
export async function revoke(id: string, isJson: boolean): Promise<string> {
  const key = await withKeyStore((store) => revokeKey(store, systemUser(), id));
  return isJson ? JSON.stringify(keyJson(key)) : keyTable([key], Date.now());
}

// Access to the database is the authorization, so there is no key: the actor is the user of the operating system.
function systemUser(): Caller {
  return { userId: `cli:${userName()}` };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `${process.getuid?.()}`; // The user id of a container may have no name.
  }
}

const CONNECTIONS = 2;

/**
 * Runs `work` on the keys of the database, after pending migrations. Changes are recorded by the same append as those of
 * the service. A running service learns of keys and events as it does from another instance.
 */
export async function withKeyStore<Result>(work: (store: KeyStore) => Promise<Result>): Promise<Result> {
  const config = readConfig();
  const database = await openDatabase(config);
  const pool = createPool(database.url, () => undefined, { max: CONNECTIONS });
  try {
    await migrate(pool);
    await createHead(pool, config.SEGMENT_BITS);
    const pipeline = {
      filters: wantAll,
      redaction: await openRedaction(pool, config),
      appender: createAppender(pool),
      readPositions: (positions: number[]) => readPositions(prismaOn(pool), positions),
      dispatch: () => undefined,
      now: Date.now,
    };
    return await work({ pool, pipeline, onRevoked: () => undefined });
  } finally {
    await pool.end();
    await database.close();
  }
}

const HEAD = ['ID', 'NAME', 'SCOPES', 'CUSTOMER', 'STATE', 'CREATED', 'EXPIRES', 'LAST USED'];

/** A key as JSON: the fields of the GraphQL type, scopes as stored, null for what is absent. */
export function keyJson(key: ApiKey): object {
  const time = (milliseconds: number | undefined) =>
    milliseconds === undefined ? null : formatTime(milliseconds);
  return {
    id: key.id,
    name: key.name,
    scopes: key.scopes,
    customerId: key.customerId ?? null,
    createdAt: time(key.createdAt),
    expiresAt: time(key.expiresAt),
    revokedAt: time(key.revokedAt),
    lastUsedAt: time(key.lastUsedAt),
  };
}

/** The keys as a table for people. */
export function keyTable(keys: readonly ApiKey[], now: number): string {
  const rows = [HEAD, ...keys.map((key) => cellsOf(key, now))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

function cellsOf(key: ApiKey, now: number): string[] {
  return [
    key.id,
    harmless(key.name),
    key.scopes.join(','),
    harmless(key.customerId ?? '-'),
    stateOf(key, now),
    minuteOf(key.createdAt),
    minuteOf(key.expiresAt),
    minuteOf(key.lastUsedAt),
  ];
}

function stateOf({ revokedAt, expiresAt }: ApiKey, now: number): string {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : 'valid';
}

function minuteOf(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '-' : `${formatTime(milliseconds).slice(0, 16)}Z`;
}

// A terminal would execute control characters.
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
