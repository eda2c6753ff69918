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
/** Longer addresses are refused on the way by some proxies. */
const MAX_LENGTH = 7_500;
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a link stands for: who may see what in which form, and until when (milliseconds since 1970). */
export interface ExportGrant {
  format: ExportFormat;
  /** Of a CSV; undefined: the usual one. */
  csv?: CsvOptions | undefined;
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

/**
 * The grant as text that only an instance on the same database can read or make: a link is written down on its way, by
 * proxies and in the history of browsers, and a filter may name people. AES-256-GCM under a key that is derived from the
 * service's secret; nonce, ciphertext and tag in base64url. Throws BAD_USER_INPUT when the filter makes it too long for
 * a link.
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

/** The grant of a link's text; undefined when any character of it was altered or it has expired. */
export function openGrant(text: string, secret: Buffer, now: number): ExportGrant | undefined {
  const sealed = Buffer.from(text.slice(0, MAX_LENGTH), 'base64url');
  // Base64 has more than one text for the same bytes.
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

// The secret signed links in earlier versions: a key of its own for each use, and for each form of a filter, since a
// condition that this version does not know by its name would be none.
function keyOf(secret: Buffer): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'audit-log export link 2', KEY_BYTES));
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
