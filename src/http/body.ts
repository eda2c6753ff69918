import { isUtf8 } from 'node:buffer';
import type { GraphQLParams } from 'graphql-yoga';
import { AuditError, badInput } from '../errors.ts';

/** Reads a request's JSON body as GraphQL parameters; throws PAYLOAD_TOO_LARGE and BAD_USER_INPUT. */
export async function readParams(request: Request, maxBytes: number): Promise<GraphQLParams> {
  const body = await readBody(request, maxBytes);
  if (!isUtf8(body)) throw badInput('body', 'is not valid UTF-8');
  const value = parseJson(body.toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badInput('body', 'must be a JSON object');
  const { query, operationName, variables, extensions } = value as Record<string, unknown>;
  if (typeof query !== 'string') throw badInput('query', 'must be a string');
  if (operationName != null && typeof operationName !== 'string')
    throw badInput('operationName', 'must be a string');
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables))) {
    throw badInput('variables', 'must be an object');
  }
  const params: GraphQLParams = { query, variables: (variables ?? {}) as Record<string, unknown> };
  if (typeof operationName === 'string') params.operationName = operationName;
  if (typeof extensions === 'object' && extensions !== null)
    params.extensions = extensions as Record<string, unknown>;
  return params;
}

async function readBody(request: Request, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (request.body) {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw new AuditError('PAYLOAD_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badInput('body', 'is not valid JSON');
  }
}
