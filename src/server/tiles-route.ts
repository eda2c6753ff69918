import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Authenticate } from '../auth/authenticate.ts';
import { visibleTo, visibleTree } from '../auth/gate.ts';
import { hasScope, type Principal } from '../auth/principal-and-scopes.ts';
import { AuditError, badInput, type ErrorCode } from '../errors.ts';
import { TEXT_BOUNDS } from '../events/fields.ts';
import { problemOf } from '../events/json.ts';
import type { TreeView } from '../evidence/evidence.ts';
import { type TreeName, treeOf } from '../evidence/tree-names.ts';
import {
  hasDotSegment,
  parseCustomerSegment,
  parseEntriesPath,
  parseTilePath,
} from '../merkle/tile-files.ts';
import type { Services } from '../schema/context.ts';
import { sendError, sendMethodNotAllowed } from './error-response.ts';
import type { OutputBuffer } from './load-limits.ts';
import { acceptsGzip, type PeerOf } from './request.ts';

const PATH = /^\/(?:customers(-by-id)?\/([^/]+)\/)?(checkpoint|verifier-key|purge|tile\/.+)$/;
const FOR_EVER = 'max-age=31536000, immutable';
/** Costs in points of the key's rate limit: a tile as much as a statement of SQL, and each event of a bundle. */
const POINTS = { tile: 500, event: 40 };

/** The options of the route. */
export interface TilesOptions {
  services: Services;
  authenticate: Authenticate;
  peerOf: PeerOf;
  outputBuffer: OutputBuffer;
  /** Whether the log's hashes and checkpoints need no key. */
  isPublic: boolean;
}

interface Content {
  type: string;
  body: string | Uint8Array;
  /** Whether the content never changes: tiles and bundles of a width, also partial ones. */
  isFinal: boolean;
  /** How many events it holds. Content with events is compressed; hashes cannot be. */
  events?: number;
}

/** A customer in a path: by the percent-encoded ID, or in the form of `customerPath`. */
interface NamedCustomer {
  segment: string;
  isById: boolean;
}

/** What a path asks for. */
interface TilesRequest {
  customer: NamedCustomer | undefined;
  /** The path below the tree: `checkpoint`, `verifier-key`, `purge`, `tile/...`. */
  resource: string;
  query: string | undefined;
}

/** Whether `serveTiles` answers this path. */
export function isTilesPath(path: string): boolean {
  return PATH.test(path);
}

/**
 * Serves C2SP's tlog-tiles: `/checkpoint`, `/tile/...` and `/tile/entries/...` of the log, and below
 * `/customers/ID/` or `/customers-by-id/uBASE64URL/` those of a customer's own tree; and `/verifier-key`, the public key.
 * `/purge` proves the event that announces what retention removed.
 * `/checkpoint?minWitnesses=N` is the last checkpoint that at least N witnesses have cosigned.
 */
export async function serveTiles(
  options: TilesOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', query] = (request.url ?? '').split('?');
  if (request.method !== 'GET' && request.method !== 'HEAD') return sendMethodNotAllowed(response);
  try {
    const requested = requestOf(path, query);
    // Without a key everybody may read it, so shared caches may store it.
    const isOpen = options.isPublic && mayBePublic(requested);
    const content = isOpen ? await read(options, requested) : await readAs(options, requested, request);
    const isLarge = content.events !== undefined;
    const isGzip = isLarge && acceptsGzip(request);
    const body = isGzip ? await promisify(gzip)(content.body) : content.body;
    // Meanwhile the service stops and has refused the request, or the client has gone and `close` was emitted.
    if (response.headersSent || response.destroyed) return;
    response.once(
      'close',
      options.outputBuffer.hold(Buffer.byteLength(body), () => response.destroy()),
    );
    response
      .writeHead(200, {
        'content-type': content.type,
        'content-length': Buffer.byteLength(body),
        ...(isLarge ? { vary: 'accept-encoding' } : {}),
        ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
        'cache-control': cacheControl(content, isOpen),
        'x-content-type-options': 'nosniff',
        ...(isOpen ? { 'access-control-allow-origin': '*' } : {}),
      })
      .end(request.method === 'HEAD' ? undefined : body);
  } catch (error) {
    if (!(error instanceof AuditError) || error.cause !== undefined) throw error;
    const status = STATUS[error.code] ?? 400;
    sendError(response, status, error);
  }
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  POSITION_PURGED: 410,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  UNAVAILABLE: 503,
};

function requestOf(path: string, query: string | undefined): TilesRequest {
  const [, isById, segment, resource = ''] = PATH.exec(path) ?? [];
  const customer = segment === undefined ? undefined : { segment, isById: isById !== undefined };
  return { customer, resource, query };
}

/** Whether `isPublic` covers it: it has no events, and is not of a customer's tree. */
function mayBePublic({ customer, resource }: TilesRequest): boolean {
  return !customer && resource !== 'purge' && !resource.startsWith('tile/entries/');
}

function cacheControl({ isFinal, events }: Content, isOpen: boolean): string {
  // Bundles can disappear: retention removes events.
  if (!isFinal || events !== undefined) return isOpen ? 'no-cache' : 'private, no-cache';
  return `${isOpen ? 'public' : 'private'}, ${FOR_EVER}`;
}

async function readAs(
  { services, authenticate, peerOf }: TilesOptions,
  requested: TilesRequest,
  request: IncomingMessage,
): Promise<Content> {
  const peer = peerOf(request);
  const principal = await authenticate(request.headers.authorization, peer);
  services.rates.spend(
    principal.keyId,
    POINTS.tile + (parseEntriesPath(requested.resource)?.width ?? 0) * POINTS.event,
  );
  const [what = requested.resource] = /^tile\/entries|^tile/.exec(requested.resource) ?? [];
  try {
    if (!hasScope(principal, 'events:read'))
      throw new AuditError('FORBIDDEN', 'the API key does not have the scope for this');
    const content = await read({ services }, requested, principal);
    services.metaAudit.read({ principal, peer }, { what, events: content.events });
    return content;
  } catch (error) {
    const isDenied = error instanceof AuditError && error.code === 'FORBIDDEN';
    if (isDenied) services.metaAudit.denied({ principal, peer }, { what });
    throw error;
  }
}

async function read(
  { services }: Pick<TilesOptions, 'services'>,
  { customer, resource, query }: TilesRequest,
  principal?: Principal,
): Promise<Content> {
  const { evidence, readerOf } = services;
  const view: TreeView = principal
    ? { tree: visibleTreeOf(principal, customer), db: readerOf(principal) }
    : evidence.logView;
  if (resource === 'verifier-key') return text(`${evidence.identity.verifierKey}\n`);
  if (resource === 'checkpoint') {
    const { note } = await evidence.checkpoint(view, { minWitnesses: minWitnessesOf(query) });
    return text(note);
  }
  // It holds an event of the log itself, so it needs a key, and no tree of a customer has it.
  if (resource === 'purge' && view.tree === 'log' && principal) {
    const body = await evidence.announcement();
    return { ...text(body), events: 1 };
  }
  const bundle = parseEntriesPath(resource);
  if (bundle && principal) {
    const body = await evidence.entries(view, bundle, visibleTo(principal));
    return binary(body, { isFinal: true, events: bundle.width });
  }
  const tile = parseTilePath(resource);
  if (!tile) throw new AuditError('NOT_FOUND', 'there is no such tile');
  return binary(await evidence.tile(view, tile), { isFinal: true });
}

function minWitnessesOf(query: string | undefined): number {
  return Number(new URLSearchParams(query).get('minWitnesses') ?? 0);
}

const text = (body: string): Content => ({ type: 'text/plain; charset=utf-8', body, isFinal: false });
const binary = (body: Uint8Array, more: Pick<Content, 'isFinal' | 'events'>): Content => ({
  type: 'application/octet-stream',
  body,
  ...more,
});

// A path without a customer means the log's tree, which a key bound to a customer may not see.
function visibleTreeOf(principal: Principal, customer: NamedCustomer | undefined): TreeName {
  if (customer === undefined && principal.customerId !== undefined)
    throw new AuditError(
      'FORBIDDEN',
      'the API key is bound to a customer: see /customers-by-id/ and docs/log-format.md',
    );
  return treeOf(visibleTree(principal, customer && idOf(customer)));
}

function idOf({ segment, isById }: NamedCustomer): string {
  // Most clients remove dot segments from a URL, so the same URL would mean two customers.
  if (!isById && hasDotSegment(segment))
    throw badInput('customer', 'stands in a path as /customers-by-id/u and the base64url of the ID');
  const id = isById ? parseCustomerSegment(segment) : decoded(segment);
  // No event can have such an ID, and PostgreSQL would refuse it as a parameter.
  if (id === undefined || id.length > TEXT_BOUNDS.customerId || problemOf(id) !== undefined)
    throw new AuditError('NOT_FOUND', 'there is no such customer');
  return id;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
