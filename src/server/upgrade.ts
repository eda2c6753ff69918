import type { IncomingMessage } from 'node:http';
import type { VerifyClientCallbackAsync } from 'ws';
import { AuditError } from '../errors.ts';
import { parseInexactJson, parseJson } from '../parse-json.ts';
import { refusalBody, refusalHeaders, SECURITY_HEADERS } from './error-response.ts';
import { notThisHost, notThisOrigin, repeatedHeader } from './gate.ts';
import type { HostCheck } from './hosts.ts';
import { checkJsonBounds } from './json-bounds.ts';
import { countMembers } from './json-keys.ts';
import type { Origins } from './origins.ts';
import { requestIdOf } from './request-id.ts';

/** Who may open a WebSocket: browsers do not ask beforehand as they do for requests, so the service has to look. */
export interface UpgradeRules {
  isHost: HostCheck;
  origins: Origins;
}

/** The check of the request that opens a WebSocket, with the rules that hold for other requests too. */
export function verifyUpgrade({ isHost, origins }: UpgradeRules): VerifyClientCallbackAsync<IncomingMessage> {
  return ({ req }, done) => {
    const repeated = repeatedHeader(req);
    if (repeated) refuseUpgrade(req, done, 400, repeated);
    else if (!isHost(req.headers.host)) refuseUpgrade(req, done, 421, notThisHost());
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

/** A message as it was parsed, or its text when it is no JSON object; or why it is refused, as the reason of a close. */
export type ReadMessage = { value: unknown } | { refusal: string };

/** Reads a message of a WebSocket within the bounds of a request's body. */
export function readMessage(message: Buffer, isBinary: boolean): ReadMessage {
  if (isBinary) return { refusal: 'messages are text' };
  try {
    const { members, isInexact } = checkJsonBounds(message);
    const value = parsed(message.toString('utf8'), isInexact);
    const isRepeating = typeof value === 'object' && countMembers(value) !== members;
    return isRepeating ? { refusal: 'there is a duplicate key' } : { value };
  } catch (error) {
    if (error instanceof AuditError) return { refusal: error.message };
    throw error;
  }
}

// What is no JSON object the protocol refuses with a code of its own, from the text.
function parsed(text: string, isInexact: boolean): unknown {
  try {
    const value = isInexact ? parseInexactJson(text) : parseJson(text);
    return typeof value === 'object' ? value : text;
  } catch {
    return text;
  }
}
