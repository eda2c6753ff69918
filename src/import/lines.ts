import { isUtf8 } from 'node:buffer';

/** One record of an input as text, or the problem with reading it. */
export interface RawRecord {
  /** The line on which it begins, from 1. */
  line: number;
  text: string;
  problem?: string;
  /** How its bytes were decoded, when they are not UTF-8. */
  note?: string;
  /** Not a record: the input is silent, so that readers should pass on what they hold back. */
  idle?: true;
}

/** The longest record. Longer ones are reported and skipped, which bounds the memory. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

export const NEWLINE = 0x0a;
const BOM = '\uFEFF';

/** Decodes bytes as UTF-8, or as ISO 8859-1 with a note: ISO 8859-1 has a character for every byte. */
export function decodedRecord(bytes: Buffer, line: number): RawRecord {
  if (!isUtf8(bytes)) {
    return {
      line,
      text: bytes.toString('latin1'),
      note: 'the source is not valid UTF-8 and was read as ISO 8859-1',
    };
  }
  const text = bytes.toString('utf8');
  return { line, text: line === 1 && text.startsWith(BOM) ? text.slice(1) : text };
}

/** The problem of a record that is longer than `MAX_RECORD_BYTES`. */
export function tooLong(line: number): RawRecord {
  return { line, text: '', problem: `longer than ${MAX_RECORD_BYTES / 1024 / 1024} MiB` };
}

/**
 * Yields the lines of a byte stream that are not blank, without their line ends, in bounded memory, and an idle record for
 * each empty chunk.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<RawRecord> {
  let line = 1;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  const take = (last: Buffer): RawRecord => {
    const record =
      pendingBytes + last.length > MAX_RECORD_BYTES
        ? tooLong(line)
        : decodedRecord(pending.length === 0 ? last : Buffer.concat([...pending, last]), line);
    pending = [];
    pendingBytes = 0;
    return record;
  };
  for await (const chunk of chunks) {
    if (chunk.length === 0) {
      yield { line, text: '', idle: true };
      continue;
    }
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const record = trimmed(take(chunk.subarray(start, end)));
      if (record !== undefined) yield record;
      line += 1;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    pendingBytes += rest.length;
    if (pendingBytes <= MAX_RECORD_BYTES) pending.push(rest);
    else pending = [];
  }
  const record = trimmed(take(Buffer.alloc(0)));
  if (record !== undefined) yield record;
}

function trimmed(record: RawRecord): RawRecord | undefined {
  if (record.problem !== undefined) return record;
  const text = record.text.endsWith('\r') ? record.text.slice(0, -1) : record.text;
  return text.trim() === '' ? undefined : { ...record, text };
}
