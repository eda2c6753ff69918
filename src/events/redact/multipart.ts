import type { Sensitivity } from './names.ts';
import { REDACTED } from './replaced.ts';

const FORM_DATA = 'form-data;';
// Line ends may be written as in JSON.
const LINE_END = '(?:\\r?\\n|\\\\r\\\\n|\\\\n)';
const NAME = /[;\s]name=\\{0,3}"?([^"\r\n;\\]{1,128})/;
const MAX_DISPOSITION = 256;
const HEADERS_END = new RegExp(`${LINE_END}${LINE_END}`, 'g');
const MAX_HEADERS = 1_024;
const BOUNDARY = new RegExp(`${LINE_END}--`, 'g');

/** The text with the values of multipart/form-data (RFC 7578) replaced whose names are sensitive. */
export function redactMultipart(text: string, sensitivityOf: (key: string) => Sensitivity): string {
  let result = '';
  let rest = 0;
  for (let at = text.indexOf(FORM_DATA); at >= 0; at = text.indexOf(FORM_DATA, Math.max(rest, at + 1))) {
    const name = nameAt(text, at + FORM_DATA.length - 1);
    if (name === undefined || sensitivityOf(name) === 'none') continue;
    const start = endOfHeaders(text, at);
    if (start === undefined) continue;
    BOUNDARY.lastIndex = start;
    const end = BOUNDARY.exec(text)?.index ?? text.length;
    if (end === start) continue;
    result += text.slice(rest, start) + REDACTED;
    rest = end;
  }
  return rest === 0 ? text : result + text.slice(rest);
}

function nameAt(text: string, start: number): string | undefined {
  const [, name] = NAME.exec(text.slice(start, start + MAX_DISPOSITION)) ?? [];
  return name;
}

function endOfHeaders(text: string, start: number): number | undefined {
  const headers = text.slice(start, start + MAX_HEADERS);
  HEADERS_END.lastIndex = 0;
  return HEADERS_END.test(headers) ? start + HEADERS_END.lastIndex : undefined;
}
