import { isIP } from 'node:net';
import { plainAddress } from '../events/address.ts';
import { lastRemembered } from './remembered.ts';

/** Whether a request with this `Host` is meant for this service. */
export type HostCheck = (host: string | undefined) => boolean;

/**
 * Makes the check of the `Host` header. On a loopback address the service answers to loopback names only: a page in a
 * browser on the same machine can make its own name stand for 127.0.0.1 (DNS rebinding). `allowed` names, without
 * ports, are answered to as well; where the service listens on other addresses they are the only ones, unless there are
 * none.
 */
export function createHostCheck(boundTo: string, allowed: readonly string[]): HostCheck {
  const names = new Set(allowed.map(nameIn));
  const isLocal = isLoopback(nameIn(boundTo));
  return lastRemembered((host) => {
    const name = nameOf(host ?? '');
    if (name === undefined) return false;
    if (names.has(name)) return true;
    return isLocal ? isLoopback(name) : names.size === 0;
  });
}

// Yoga builds the address of the request from it.
function nameOf(host: string): string | undefined {
  if (!URL.canParse(`http://${host}`)) return undefined;
  const [, name] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return name === undefined ? undefined : nameIn(name);
}

// One spelling for each name and address, brackets and the dot of the root left out.
function nameIn(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
  return plainAddress(name) ?? name;
}

function isLoopback(name: string): boolean {
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost');
}
