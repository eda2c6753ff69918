import { createHmac, timingSafeEqual } from 'node:crypto';
import type { EventFilter } from '../events/filter.ts';

export const EXPORT_FORMATS = ['JSON', 'CSV', 'NDJSON'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What a link stands for: who may see what in which form, and until when (milliseconds since 1970). */
export interface ExportGrant {
  format: ExportFormat;
  filters: EventFilter[];
  keyId: string;
  expiresAt: number;
}

/** The grant as text, signed with HMAC-SHA-256. */
export function signGrant(grant: ExportGrant, secret: Buffer): string {
  const payload = Buffer.from(JSON.stringify(grant)).toString('base64url');
  return `${payload}.${macOf(payload, secret).toString('base64url')}`;
}

/** The grant of a link's text; undefined when it was altered or has expired. */
export function openGrant(text: string, secret: Buffer, now: number): ExportGrant | undefined {
  const [payload = '', mac = '', ...rest] = text.split('.');
  if (rest.length > 0) return undefined;
  const given = Buffer.from(mac, 'base64url');
  const wanted = macOf(payload, secret);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
  const grant = JSON.parse(Buffer.from(payload, 'base64url').toString()) as ExportGrant;
  return grant.expiresAt > now ? grant : undefined;
}

function macOf(payload: string, secret: Buffer): Buffer {
  return createHmac('sha256', secret).update(payload).digest();
}
