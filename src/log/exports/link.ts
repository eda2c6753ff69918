import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { badInput } from '../../errors.ts';
import type { JsonObject } from '../../events/fields.ts';
import type { EventFilter } from '../../events/filter.ts';
import { formatTime } from '../../events/time.ts';
import { parseJson } from '../../parse-json.ts';
import type { CsvOptions } from './csv.ts';

export const EXPORT_FORMATS = ['JSON', 'CSV', 'NDJSON'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How long a link is valid. */
export const LINK_VALID_MS = 5 * 60_000;
/** Some proxies refuse longer URLs. */
const MAX_LENGTH = 7_500;
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The content of a link: format and filters, the rights of the principal, and the expiry (milliseconds since 1970). */
export interface ExportGrant {
  format: ExportFormat;
  /** The options of a CSV. Undefined: the defaults. */
  csv?: CsvOptions | undefined;
  filters: EventFilter[];
  /** The size of the log when the export was requested. The file has no later event. */
  end: number;
  keyId: string;
  /** The generation of the key's secret. */
  generation: number;
  /** When the requesting token expires. Undefined for an API key. */
  keyExpiresAt: number | undefined;
  /** The customer that the key is bound to. */
  customerId: string | undefined;
  expiresAt: number;
}

/**
 * Encrypts a grant, so that only instances on the same database can read or create one: proxies and browsers store links,
 * and a filter may contain personal data. The text is the nonce, ciphertext and tag of AES-256-GCM in base64url. The key is
 * derived from the service's secret. Throws BAD_USER_INPUT when the filter makes the link too long.
 */
export function sealGrant(grant: ExportGrant, secret: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(secret), nonce);
  const sealed = Buffer.concat([
    nonce,
    cipher.update(JSON.stringify(grant)),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const text = sealed.toString('base64url');
  if (text.length > MAX_LENGTH) throw badInput('filter', 'is too large for a link');
  return text;
}

/** Decrypts the grant of a link. Undefined when any character was altered, or the grant has expired. */
export function openGrant(text: string, secret: Buffer, now: number): ExportGrant | undefined {
  const sealed = Buffer.from(text.slice(0, MAX_LENGTH), 'base64url');
  // Several base64 texts decode to the same bytes: only the canonical one is accepted.
  if (sealed.length <= NONCE_BYTES + TAG_BYTES || sealed.toString('base64url') !== text) return undefined;
  const decipher = createDecipheriv(CIPHER, keyOf(secret), sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const opened = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  const grant = parseJson(opened.toString('utf8')) as ExportGrant;
  return grant.expiresAt > now ? grant : undefined;
}

// Derived for this use, since earlier versions signed links with the secret itself. The number changes with the form of
// filters: a condition whose name this version does not know would otherwise be ignored.
function keyOf(secret: Buffer): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'audit-log export link 2', KEY_BYTES));
}

/** The details of the system event about an export. */
export function aboutExport({
  format,
  filters,
  end,
  expiresAt,
}: Pick<ExportGrant, 'format' | 'filters' | 'end' | 'expiresAt'>): JsonObject {
  // JSON.stringify leaves out absent conditions, which are undefined.
  const conditions = parseJson(JSON.stringify(filters)) as JsonObject[];
  return { format, filters: conditions, logSize: end, expiresAt: formatTime(expiresAt) };
}
