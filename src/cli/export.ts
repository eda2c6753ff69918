import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Client, ClientError, clientFrom } from '../client/graphql-client.ts';
import { parseJson } from '../parse-json.ts';
import { printFailure, printMessage } from './messages.ts';

export const EXPORT_LINK =
  'query Export($format: ExportFormat!, $filter: AuditEventFilter, $delimiter: String, $byteOrderMark: Boolean) { auditExport(format: $format, filter: $filter, delimiter: $delimiter, byteOrderMark: $byteOrderMark) { url } }';
const DELIMITERS = { comma: ',', semicolon: ';', tab: '\t', pipe: '|' };
const REPORT_BYTES = 16 * 1024 * 1024;

const HELP = `
The filter is an AuditEventFilter of the GraphQL API, for example '{"categories":["auth"],"minSeverity":"WARNING"}'.
For Excel in a locale with a decimal comma: --format csv --delimiter semicolon --byte-order-mark. In a CSV, a text that a
spreadsheet would evaluate as a formula begins with an apostrophe.
audit-log import --format ndjson imports an NDJSON export.

Environment:
  AUDIT_LOG_URL   the service, http://127.0.0.1:4000/graphql by default
  AUDIT_LOG_KEY   a key with the scope events:export

Exit code: 0 when the whole export was written, 2 otherwise, also when the arguments are wrong. With 2, FILE is
unchanged.`;

interface ExportFlags {
  format: 'ndjson' | 'csv' | 'json';
  filter?: Record<string, unknown>;
  delimiter?: keyof typeof DELIMITERS;
  byteOrderMark?: boolean;
  output?: string;
}

/** Adds `audit-log export` to the program. */
export function registerExport(program: Command): void {
  program
    .command('export')
    .description('write events of the audit log to a file or standard output')
    .addOption(
      new Option('--format <format>', 'the output format')
        .choices(['ndjson', 'csv', 'json'])
        .default('ndjson'),
    )
    .option('--filter <json>', 'which events: an AuditEventFilter as JSON (default: all)', filterOf)
    .addOption(
      new Option('--delimiter <name>', 'the delimiter of a CSV (default: comma)').choices(
        Object.keys(DELIMITERS),
      ),
    )
    .option('--byte-order-mark', 'begin a CSV with U+FEFF, which makes Excel read it as UTF-8')
    .option('--output <file>', 'the file to write (default: standard output)')
    .addHelpText('after', HELP)
    .action(async (flags: ExportFlags) => {
      process.exitCode = await exportEvents(flags);
    });
}

function filterOf(text: string): Record<string, unknown> {
  let filter: unknown;
  try {
    filter = parseJson(text);
  } catch {
    throw new InvalidArgumentError('It is not well-formed JSON.');
  }
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    throw new InvalidArgumentError('It is not a JSON object.');
  }
  return filter as Record<string, unknown>;
}

async function exportEvents(flags: ExportFlags): Promise<number> {
  try {
    const client = clientFrom(process.env, { onRetry: printMessage });
    const body = await openExport(client, flags);
    const startMs = Date.now();
    const report = (bytes: number) => printMessage(`${megabytes(bytes)} written`);
    const bytes =
      flags.output === undefined
        ? await write(body, process.stdout, report)
        : await writeFile(body, flags.output, report);
    printMessage(`${megabytes(bytes)} written in ${((Date.now() - startMs) / 1000).toFixed(1)} s`);
    return 0;
  } catch (error) {
    // A reader such as head closes the pipe early: not a failure of the export.
    if ((error as { code?: unknown }).code === 'EPIPE') return 0;
    printFailure('export', error);
    return 2;
  }
}

/** Requests an export link and opens it. Throws a ClientError that says what to do. */
export async function openExport(
  client: Client,
  { format, filter, delimiter, byteOrderMark }: Omit<ExportFlags, 'output'>,
): Promise<Readable> {
  const variables = JSON.stringify({
    format: format.toUpperCase(),
    filter: filter ?? null,
    delimiter: delimiter && DELIMITERS[delimiter],
    byteOrderMark,
  });
  const data = await client.request(EXPORT_LINK, variables);
  const { url } = data.auditExport as { url: string };
  // The link may be relative to the service. It carries its own authorization, so the key is not sent.
  const link = new URL(url, client.endpoint);
  let response: Response;
  try {
    response = await fetch(link);
  } catch (error) {
    throw new ClientError(
      `cannot open the export link at ${link.origin} (${causeOf(error)}): is that address right?`,
    );
  }
  if (!response.ok || response.body === null) {
    throw new ClientError(
      `the export link answered with HTTP ${response.status}: run the export again for a new link`,
    );
  }
  return Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
}

/** Writes to a file beside `path` and renames it at the end, so that `path` never holds a partial export. */
async function writeFile(body: Readable, path: string, report: (bytes: number) => void): Promise<number> {
  const partial = `${path}.partial`;
  try {
    const bytes = await write(body, createWriteStream(partial), report);
    await rename(partial, path);
    return bytes;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function write(body: Readable, output: Writable, report: (bytes: number) => void): Promise<number> {
  let bytes = 0;
  let reported = 0;
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes - reported >= REPORT_BYTES) {
        reported = bytes;
        report(bytes);
      }
      yield chunk;
    }
  };
  await pipeline(body, counted, output, { end: output !== process.stdout });
  return bytes;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
