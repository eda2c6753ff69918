import type { IncomingMessage } from 'node:http';
import type { VerifyClientCallbackAsync } from 'ws';
import { AuditError } from '../errors.ts';
import { notThisHost, notThisOrigin } from './gate.ts';
import type { HostCheck } from './hosts.ts';
import { checkJsonBounds } from './json-bounds.ts';
import { countMembers } from './json-keys.ts';
import type { Origins } from './origins.ts';
import { refusalBody, refusalHeaders } from './refusal.ts';
import { requestIdOf } from './request-id.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Who may open a WebSocket: browsers do not ask beforehand as they do for requests, so the service has to look. */
export interface UpgradeRules {
  isHost: HostCheck;
  origins: Origins;
}

/** The check of the request that opens a WebSocket, with the rules that hold for other requests too. */
export function verifyUpgrade({ isHost, origins }: UpgradeRules): VerifyClientCallbackAsync<IncomingMessage> {
  return ({ req }, done) => {
    if (!isHost(req.headers.host)) refuseUpgrade(req, done, 421, notThisHost());
    else if (!origins.allows(req)) refuseUpgrade(req, done, 403, notThisOrigin());
    else done(true);
  };
}

function refuseUpgrade(
  request: IncomingMessage,
  done: Parameters<VerifyClientCallbackAsync>[1],
  status: number,
  error: AuditError,
): void {
  const own = refusalHeaders(error);
  done(false, status, refusalBody(error), {
    ...SECURITY_HEADERS,
    'Content-Type': own['content-type'] ?? '',
    'x-request-id': requestIdOf(request),
  });
}

/** Why a message is not even parsed, as the reason of a close; undefined when it may be. */
export function refusalOfMessage(message: Uint8Array, isBinary: boolean): string | undefined {
  if (isBinary) return 'messages are text';
  try {
    const members = checkJsonBounds(message);
    return hasRepeatedKey(message, members) ? 'a key is there twice' : undefined;
  } catch (error) {
    if (error instanceof AuditError) return error.message;
    throw error;
  }
}

function hasRepeatedKey(message: Uint8Array, members: number): boolean {
  try {
    return countMembers(JSON.parse(Buffer.from(message).toString('utf8'))) !== members;
  } catch {
    return false; // No JSON: the protocol says so.
  }
}
