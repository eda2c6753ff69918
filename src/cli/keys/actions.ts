import { userInfo } from 'node:os';
import type { KeyInput } from '../../access/key-input.ts';
import { listKeys } from '../../access/keys.ts';
import { createKey, revokeKey } from '../../access/manage.ts';
import type { Caller } from '../../pipeline/own.ts';
import { keyJson, keyTable } from './show.ts';
import { withKeyStore } from './store.ts';

/** Creates a key; returns what to print. */
export async function create(input: KeyInput, isJson: boolean): Promise<string> {
  const { key, secret } = await withKeyStore((store) => createKey(store, caller(), input));
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
  const key = await withKeyStore((store) => revokeKey(store, caller(), id));
  return isJson ? JSON.stringify(keyJson(key)) : keyTable([key], Date.now());
}

// Whoever can open the database is not asked for a key: the system's user is who did it.
function caller(): Caller {
  return { userId: `cli:${userName()}` };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `${process.getuid?.()}`; // A container may run as a number that has no name.
  }
}
