import { decodeBase64, encodeBase64 } from './base64.ts';

const FOLDER = 'customers-by-id';
// Of multibase: base64url without padding. So the segment of the empty ID is not empty.
const PREFIX = 'u';

/**
 * The path of a customer's tree below a log's URL, such as `customers-by-id/uLi4` for the customer `..`. It consists of
 * unreserved characters alone and of no dot segment, so that nothing on the way writes it in another way that means
 * something else (RFC 3986, 6.2.2; URL Standard, "double-dot path segment").
 */
export function customerPath(customerId: string): string {
  const text = encodeBase64(new TextEncoder().encode(customerId));
  return `${FOLDER}/${PREFIX}${text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/** The customer that the last segment of such a path names; undefined when it does not in exactly that form. */
export function parseCustomerSegment(segment: string): string | undefined {
  if (!/^u[\w-]*$/.test(segment)) return undefined;
  const text = segment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
  const bytes = decodeBase64(text.padEnd(Math.ceil(text.length / 4) * 4, '='));
  const customerId = bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return customerId !== undefined && customerPath(customerId) === `${FOLDER}/${segment}`
    ? customerId
    : undefined;
}

/** Whether a path or URL has a dot segment: clients remove it, with the one before it, and ask for something else. */
export function hasDotSegment(path: string): boolean {
  return /(?:^|[/\\])(?:\.|%2e){1,2}(?=$|[/\\?#])/i.test(path);
}
