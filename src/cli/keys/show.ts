import type { ApiKey } from '../../access/keys.ts';
import { formatTime } from '../../events/time.ts';

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

// A terminal obeys control characters.
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
