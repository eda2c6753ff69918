import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { AuditError, badInput } from '../errors.ts';
import type { OperationRequest } from '../graphql/engine.ts';
import type { Documents } from '../graphql/persisted.ts';
import { parseJsonBody } from './json-body.ts';

/** How many of the largest bodies are in memory at once; what is more is refused. */
const LARGEST_AT_ONCE = 8;

/** Bytes of bodies that may be in memory: what all bodies may still take. */
interface Room {
  bytes: number;
}

/** Reads the body of a request and runs its operation. */
export type WithBody = <Result>(
  request: IncomingMessage,
  run: (operation: OperationRequest) => Promise<Result>,
) => Promise<Result>;

/**
 * Makes the reader of requests' JSON bodies, each an operation. It throws PAYLOAD_TOO_LARGE, BAD_USER_INPUT, and
 * OVERLOADED while too many bytes of other bodies are arriving or being worked on: large requests are worked on in parts,
 * so many can be in memory at a time.
 */
export function createBodyReader(maxBytes: number, documents: Documents): WithBody {
  const room: Room = { bytes: maxBytes * LARGEST_AT_ONCE };
  return async (request, run) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const taken = { bytes: 0 };
    try {
      const body = await readBytes(request, { room, taken, maxBytes });
      return await run(await readParams(body, documents));
    } finally {
      room.bytes += taken.bytes;
    }
  };
}

// By its events: an iterator that is left early destroys the connection, and the answer with it.
function readBytes(
  request: IncomingMessage,
  { room, taken, maxBytes }: { room: Room; taken: { bytes: number }; maxBytes: number },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise<Buffer>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      taken.bytes += chunk.length;
      room.bytes -= chunk.length;
      if (taken.bytes > maxBytes) reject(tooLarge(maxBytes));
      else if (room.bytes < 0)
        reject(new AuditError('OVERLOADED', 'too many large requests at once: retry later'));
      else chunks.push(chunk);
    });
    const onClose = () => reject(brokeOff());
    request.once('close', onClose);
    request.once('end', () => {
      request.off('close', onClose);
      const [first] = chunks;
      resolve(first && chunks.length === 1 ? first : Buffer.concat(chunks, taken.bytes));
    });
    if (request.destroyed) onClose();
  }).finally(() => {
    request.removeAllListeners('data').resume();
  });
}

async function readParams(body: Buffer, documents: Documents): Promise<OperationRequest> {
  if (!isUtf8(body)) throw badInput('body', 'is not valid UTF-8');
  const value = await parseJsonBody(body);
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
