import type { IncomingHttpHeaders } from 'node:http';

const JSON_TYPE = /^application\/json(?:\s*;\s*charset=(?:"utf-8"|utf-8))?\s*;?$/i;

/**
 * Whether a request says that its body is plain JSON in UTF-8. Nothing else is taken: a form (url-encoded, multipart,
 * text/plain) is what a page of somebody else's can make a browser send without asking (CSRF).
 */
export function isJson(headers: IncomingHttpHeaders): boolean {
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') return false;
  const type = headers['content-type'];
  return type === 'application/json' || JSON_TYPE.test(type?.trim() ?? '');
}
