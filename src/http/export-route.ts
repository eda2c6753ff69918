import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { findValid } from '../access/keys.ts';
import type { Pool } from '../db/pool.ts';
import { exportStream } from '../exports/export.ts';
import { WRITERS } from '../exports/formats.ts';
import { openGrant } from '../exports/link.ts';

export const EXPORT_PATH = '/export/';

/** Streams the file of a signed link, gzip when accepted; 403 when the link was altered or it or its key has ended. */
export async function serveExport(
  { pool, exportSecret }: { pool: Pool; exportSecret: Buffer },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const text = (request.url ?? '').slice(EXPORT_PATH.length);
  const grant = openGrant(text, exportSecret, Date.now());
  if (!grant || !(await findValid(pool, [grant.keyId])).has(grant.keyId)) {
    response.writeHead(403, { 'content-type': 'text/plain' }).end('This link has expired or was altered.\n');
    return;
  }
  const { contentType, extension } = WRITERS[grant.format];
  const name = `audit-events-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}Z.${extension}`;
  const isGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  response.writeHead(200, {
    'content-type': contentType,
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
    vary: 'accept-encoding',
    ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
  });
  const source = exportStream(pool, grant);
  await (isGzip ? pipeline(source, createGzip(), response) : pipeline(source, response));
}
