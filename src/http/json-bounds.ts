import { badInput } from '../errors.ts';

/** Deepest nesting of a message: that of an event's details (32), and what stands around it. */
const MAX_DEPTH = 64;
/** Most members and elements of a message, all levels together. */
const MAX_VALUES = 1_000_000;
/** Longest string of a message, in bytes as it is sent. The longest that can be of use is that of an event. */
const MAX_STRING_BYTES = 1_048_576;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Looks through JSON text, before it is parsed, for what would make large or deep values out of it. One pass over the
 * bytes, which keeps nothing; whether the text is JSON at all the parser finds out. Returns how many members its objects
 * have together. Throws BAD_USER_INPUT at `body`.
 */
export function checkJsonBounds(json: Uint8Array): number {
  let depth = 0;
  let values = 0;
  let members = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfString(json, at);
    else if (byte === COLON) members += 1;
    else if (byte === COMMA) values += 1;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      values += 1;
      if (depth > MAX_DEPTH) throw badInput('body', `is nested deeper than ${MAX_DEPTH} levels`);
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
  }
  if (values > MAX_VALUES) throw badInput('body', `has more than ${MAX_VALUES} members and elements`);
  return members;
}

function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  if (at - start > MAX_STRING_BYTES)
    throw badInput('body', `holds a string of more than ${MAX_STRING_BYTES} bytes`);
  return at;
}
