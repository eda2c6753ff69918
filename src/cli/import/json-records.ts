import { canonicalJson } from '../../events/canonical.ts';
import type { JsonObject, JsonValue } from '../../events/event.ts';
import { type Opened, open } from './envelopes.ts';
import { parseExactly } from './json.ts';
import { JsonScanner } from './json-scanner.ts';
import { NEWLINE, type RawRecord, readLines } from './lines.ts';
import { isObject } from './record.ts';
import { resumed } from './resumed.ts';

/** How much of an input is looked at to tell JSON lines from other JSON. */
const HEAD_BYTES = 256 * 1024;
const HEAD_LINES = 20;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * One object of a JSON input, or why there is none. `content` is its sorted form, for its idempotency key; `keptAsText`
 * the path of a number that became a text.
 */
export type JsonRecord =
  | { line: number; value: JsonObject; content: string; note?: string; keptAsText?: string }
  | { line: number; problem: string }
  | { line: number; idle: true };

/**
 * The objects of a JSON input: JSON lines (a malformed line costs that line alone), one array, a CloudTrail file
 * `{"Records": [...]}`, or values one after the other, pretty-printed or not; what transports wrap around them is
 * opened. Memory holds one value of the top or of such an array (16 MiB at most), whatever the size of the input.
 */
export async function* readJson(chunks: AsyncIterable<Buffer>): AsyncGenerator<JsonRecord> {
  const iterator = chunks[Symbol.asyncIterator]();
  const { head, failure } = await takeHead(iterator);
  const whole = resumed(head.subarray(head.subarray(0, 3).equals(BOM) ? 3 : 0), iterator, failure);
  const records = isJsonLines(head.toString('utf8')) ? readLines(whole) : scan(whole);
  for await (const record of records) {
    if (record.idle === true) yield { line: record.line, idle: true };
    else yield* objectsOf(record);
  }
}

/** The first bytes of an input; fewer when it is silent after a whole line, or fails: the failure comes after them. */
async function takeHead(iterator: AsyncIterator<Buffer>): Promise<{ head: Buffer; failure?: unknown }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    while (bytes < HEAD_BYTES) {
      const next = await iterator.next();
      if (next.done === true) break;
      if (next.value.length === 0 && parts.some((part) => part.includes(NEWLINE))) break;
      parts.push(next.value);
      bytes += next.value.length;
    }
  } catch (failure) {
    return { head: Buffer.concat(parts), failure };
  }
  return { head: Buffer.concat(parts) };
}

async function* scan(chunks: AsyncIterable<Buffer>): AsyncGenerator<RawRecord> {
  const scanner = new JsonScanner();
  for await (const chunk of chunks) {
    if (chunk.length === 0) yield { line: 0, text: '', idle: true };
    else yield* scanner.push(chunk);
  }
  yield* scanner.end();
}

/**
 * Whether an input that begins with `head` is JSON lines: one of its first lines is an object with members by
 * itself and not indented (within a pretty-printed document no such line occurs), and is no CloudTrail file.
 */
function isJsonLines(head: string): boolean {
  const text = head.replace(/^\uFEFF/, '');
  if (!text.trimStart().startsWith('{')) return !text.trimStart().startsWith('[');
  const lines = text.split('\n', HEAD_LINES).filter((line) => line.startsWith('{'));
  return lines.some((line) => {
    const value = tryParse(line);
    return isObject(value) && Object.keys(value).length > 0 && !Array.isArray(value.Records);
  });
}

function tryParse(text: string): JsonValue | undefined {
  try {
    return parseExactly(text).value;
  } catch {
    return undefined;
  }
}

function* objectsOf(record: RawRecord): Generator<JsonRecord> {
  const { line } = record;
  if (record.problem !== undefined) return yield { line, problem: record.problem };
  if (record.note !== undefined) return yield { line, problem: 'not valid UTF-8, which JSON has to be' };
  try {
    const { value, keptAsText } = parseExactly(record.text);
    for (const element of Array.isArray(value) ? value : [value]) {
      for (const opened of open(element, keptAsText)) yield recordOf(opened, line);
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    yield { line, problem: 'not well-formed JSON' };
  }
}

function recordOf(opened: Opened, line: number): JsonRecord {
  if ('problem' in opened) return { line, problem: opened.problem };
  if ('text' in opened) return { line, problem: 'a text that is no JSON object' };
  const { value, keptAsText } = opened;
  const content = canonicalJson(value);
  return keptAsText === undefined
    ? { line, value, content }
    : {
        line,
        value,
        content,
        note: 'numbers that JavaScript cannot hold exactly are kept as texts',
        keptAsText,
      };
}
