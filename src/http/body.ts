import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Work } from '../access/rate/work.ts';
import { AuditError, badInput } from '../errors.ts';
import type { OperationRequest } from '../graphql/engine.ts';
import type { Documents } from '../graphql/persisted.ts';
import { parseJson } from '../parse-json.ts';
import { checkJsonBounds } from './json-bounds.ts';
import { checkUniqueKeys } from './json-keys.ts';

/** How many of the largest bodies are in memory at once; what is more is refused. */
const LARGEST_AT_ONCE = 8;

/** Bytes of bodies that may be in memory: what all bodies that are arriving may still take. */
interface Room {
  bytes: number;
}

/** Reads the bytes of a request's body; what that takes is added to the work. */
export type BodyReader = (request: IncomingMessage, work: Work) => Promise<Buffer>;

/**
 * Makes the reader of requests' bodies. It throws PAYLOAD_TOO_LARGE, BAD_USER_INPUT for one that breaks off, and
 * OVERLOADED while too many bytes of other bodies are arriving.
 */
export function createBodyReader(maxBytes: number): BodyReader {
  const room: Room = { bytes: maxBytes * LARGEST_AT_ONCE };
  return async (request, work) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    return readBytes(request, work, { room, maxBytes });
  };
}

// By its events: an iterator that is left early destroys the connection, and the answer with it.
function readBytes(
  request: IncomingMessage,
  work: Work,
  { room, maxBytes }: { room: Room; maxBytes: number },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise<Buffer>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      work.read(chunk.length);
      room.bytes -= chunk.length;
      if (bytes > maxBytes) reject(tooLarge(maxBytes));
      else if (room.bytes < 0)
        reject(new AuditError('OVERLOADED', 'too many large requests at once: retry later'));
      else chunks.push(chunk);
    });
    const onClose = () => reject(brokeOff());
    request.once('close', onClose);
    request.once('end', () => {
      request.off('close', onClose);
      const [first] = chunks;
      resolve(first && chunks.length === 1 ? first : Buffer.concat(chunks, bytes));
    });
    if (request.destroyed) onClose();
  }).finally(() => {
    request.removeAllListeners('data').resume();
    room.bytes += bytes;
  });
}

/** Parses a body, strictly, as the operation that it is. Throws BAD_USER_INPUT, and what `documents` throws. */
export function parseOperation(body: Buffer, documents: Documents): OperationRequest {
  if (!isUtf8(body)) throw badInput('body', 'is not valid UTF-8');
  const members = checkJsonBounds(body);
  const text = body.toString('utf8');
  const value = readJson(text);
  checkUniqueKeys(text, members, value);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badInput('body', 'must be a JSON object');
  const { operationName, variables } = value as Record<string, unknown>;
  if (operationName != null && typeof operationName !== 'string')
    throw badInput('operationName', 'must be a string');
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables))) {
    throw badInput('variables', 'must be an object');
  }
  return {
    query: documents.textOf(value),
    operationName: operationName ?? undefined,
    variables: (variables ?? {}) as Record<string, unknown>,
  };
}

function tooLarge(maxBytes: number): AuditError {
  return new AuditError('PAYLOAD_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
}

const brokeOff = () => badInput('body', 'broke off');

function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw badInput('body', 'is not valid JSON');
  }
}
