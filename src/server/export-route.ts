import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Credential } from '../auth/principal-and-scopes.ts';
import type { Quota } from '../auth/quota.ts';
import { AuditError } from '../errors.ts';
import { FORMATS } from '../log/exports/export.ts';
import { aboutExport, type ExportFormat, type ExportGrant, openGrant } from '../log/exports/link.ts';
import type { Services } from '../schema/context.ts';
import { sendError, sendMethodNotAllowed } from './error-response.ts';
import { acceptsGzip, type PeerOf } from './request.ts';

export const EXPORT_PATH = '/export/';
/** The cost of a file, in points of the key's rate limit: that of a few pages of events. */
const POINTS = 100_000;

/** The options of the route. */
export interface ExportRouteOptions {
  services: Services;
  peerOf: PeerOf;
  /** Counts the files that are being sent. */
  files: Quota;
}

/**
 * Streams the file of a link, compressed when the client accepts gzip. Answers 403 when the link was altered or has expired,
 * or its key was revoked or has expired, and 503 while too many files are being sent. The download is recorded as an event
 * before the first byte is sent. When the file cannot be finished, or its key ends, the promise is rejected and the caller
 * breaks the connection.
 */
export async function serveExport(
  options: ExportRouteOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return sendMethodNotAllowed(response);
  const grant = await readLink(options, request, response);
  if (!grant) return;
  const { services, peerOf, files } = options;
  const isGzip = acceptsGzip(request);
  const headers = {
    ...headersOf(grant.format, services.expiryNow()),
    ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
  };
  if (request.method === 'HEAD') {
    if (!response.headersSent) response.writeHead(200, headers).end();
    return;
  }
  // The client has gone while its key was looked up: `close` was emitted and would not give back the place of the file.
  if (response.destroyed) return;
  response.once('close', files.take(grant.keyId));
  await services.metaAudit.exported(
    { ...peerOf(request), userId: grant.keyId },
    {
      action: 'log.download',
      description: `a file of the events as ${grant.format} was taken`,
      details: aboutExport(grant),
    },
  );
  const file = await services.openExport(grant);
  // The service stops and has refused the request meanwhile.
  if (response.headersSent) return void file.destroy();
  response.writeHead(200, headers);
  const endFile = () => file.destroy(new Error('the key of the link has ended'));
  const release = services.sessions.open(credentialOf(grant), endFile);
  await (isGzip ? pipeline(file, createGzip(), response) : pipeline(file, response)).finally(release);
}

/** The grant of the link in the request. Undefined: it is refused, and the response was sent. */
async function readLink(
  { services, peerOf }: ExportRouteOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<ExportGrant | undefined> {
  const link = (request.url ?? '').slice(EXPORT_PATH.length);
  const grant = openGrant(link, services.exportSecret, services.expiryNow());
  // Charged before the key is looked up by a statement: a link of a revoked key costs its points too.
  if (grant && !isAffordable(services, grant.keyId, response)) return undefined;
  if (grant && (await services.isValid(credentialOf(grant)))) return grant;
  services.metaAudit.failed(peerOf(request), { what: 'link' });
  sendError(response, 403, new AuditError('FORBIDDEN', 'this link has expired or was altered'));
  return undefined;
}

function credentialOf({ keyId, generation, keyExpiresAt: expiresAt }: ExportGrant): Credential {
  return { keyId, generation, expiresAt };
}

function headersOf(format: ExportFormat, now: number): Record<string, string> {
  const { contentType, extension } = FORMATS[format];
  const time = new Date(now).toISOString().slice(0, 19).replaceAll(':', '');
  return {
    'content-type': contentType,
    'content-disposition': `attachment; filename="audit-events-${time}Z.${extension}"`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
  };
}

function isAffordable({ rates }: Services, keyId: string, response: ServerResponse): boolean {
  try {
    rates.spend(keyId, POINTS);
    return true;
  } catch (error) {
    sendError(response, 429, error as AuditError);
    return false;
  }
}
