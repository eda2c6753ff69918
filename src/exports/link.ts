import { createHmac, timingSafeEqual } from 'node:crypto';
import { badInput } from '../errors.ts';
import type { JsonObject } from '../events/event.ts';
import type { EventFilter } from '../events/filter.ts';
import { formatTime } from '../events/time.ts';
import { parseJson } from '../parse-json.ts';

export const EXPORT_FORMATS = ['JSON', 'CSV', 'NDJSON'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Longer addresses are refused on the way by some proxies. */
const MAX_LENGTH = 7_500;

/** What a link stands for: who may see what in which form, and until when (milliseconds since 1970). */
export interface ExportGrant {
  format: ExportFormat;
  filters: EventFilter[];
  /** The size of the log when it was asked for: the file holds no later event. */
  end: number;
  keyId: string;
  /** Which secret of the key it was. */
  generation: number;
  /** When the token expires that asked for it; undefined: it was a key. */
  keyExpiresAt: number | undefined;
  /** The customer that the key is bound to. */
  customerId: string | undefined;
  expiresAt: number;
}

/** The grant as text, signed with HMAC-SHA-256. Throws BAD_USER_INPUT when the filter makes it too long for a link. */
export function signGrant(grant: ExportGrant, secret: Buffer): string {
  const payload = Buffer.from(JSON.stringify(grant)).toString('base64url');
  const text = `${payload}.${macOf(payload, secret)}`;
  if (text.length > MAX_LENGTH) throw badInput('filter', 'is too large for a link');
  return text;
}

/** The grant of a link's text; undefined when any character of it was altered or it has expired. */
export function openGrant(text: string, secret: Buffer, now: number): ExportGrant | undefined {
  const [payload = '', mac = '', ...rest] = text.split('.');
  if (rest.length > 0) return undefined;
  // As texts: base64 has more than one text for the same bytes.
  const given = Buffer.from(mac);
  const wanted = Buffer.from(macOf(payload, secret));
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  const grant = parseJson(Buffer.from(payload, 'base64url').toString()) as ExportGrant;
  return grant.expiresAt > now ? grant : undefined;
}

function macOf(payload: string, secret: Buffer): string {
  return createHmac('sha256', secret).update(payload).digest('base64url');
}

/** What the events about an export say of it. */
export function aboutExport({
  format,
  filters,
  end,
  expiresAt,
}: Pick<ExportGrant, 'format' | 'filters' | 'end' | 'expiresAt'>): JsonObject {
  // A condition that is not there is undefined, which is no JSON.
  const conditions = parseJson(JSON.stringify(filters)) as JsonObject[];
  return { format, filters: conditions, logSize: end, expiresAt: formatTime(expiresAt) };
}
