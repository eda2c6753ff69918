import type { Client } from '../client/graphql-client.ts';
import { readPipe, StoppedBySignal } from './byte-streams.ts';
import type { LogEventInput } from './event-input.ts';
import { type Format, type ReadRecord, readRecords } from './formats.ts';
import { isOwnId } from './idempotency-keys.ts';
import { ImportCounts } from './report.ts';
import { type EventResult, type PendingEvent, sendBatch } from './send.ts';
import { gunzipped, type ImportSource } from './sources.ts';
import type { SyslogClock } from './syslog.ts';

/** The most events of one request; the log takes 1,000. */
const BATCH_EVENTS = 500;
/** The most bytes of one request, about. */
const BATCH_BYTES = 2_000_000;
/** The longest time that an event waits for others to share its request. */
const BATCH_MS = 1_000;

export interface ImportOptions {
  format: Format;
  clock: SyslogClock;
  /** Undefined: a dry run, which sends nothing. */
  client: Client | undefined;
  /** The customer of every event, in place of the one in the source. */
  customerId?: string | undefined;
  /** Aborted: the import ends after the batch that is being sent. */
  stop: AbortSignal;
  /** Called with the progress of the import. */
  progress: { bytes(count: number): void; records(counts: ImportCounts, file: string): void };
}

/** The result of an import. `stoppedBy` and `stoppedAt` are set when it ended before the end of its inputs. */
export interface ImportResult {
  counts: ImportCounts;
  stoppedBy: Error | undefined;
  stoppedAt?: { file: string; line: number };
}

/**
 * Imports the inputs in their order, which becomes the order of the log: one request is under way at a time, while the
 * next batch is read and mapped. An input that cannot be read is reported, and the import continues with the next. An
 * error that does not concern single events ends the import. It can be run again: idempotency keys prevent duplicates.
 */
export async function runImport(
  sources: readonly ImportSource[],
  options: ImportOptions,
): Promise<ImportResult> {
  const counts = new ImportCounts();
  const batches = new BatchSender(counts, options);
  try {
    for (const source of sources) {
      await importSource(source, { counts, batches, options });
      if (options.stop.aborted) return await interrupted(source.name, counts, batches);
    }
    await batches.finish();
    return { counts, stoppedBy: undefined };
  } catch (error) {
    return { counts, stoppedBy: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** Sends all events that were read before the signal. */
async function interrupted(file: string, counts: ImportCounts, batches: BatchSender): Promise<ImportResult> {
  await batches.finish();
  const { lastLine } = counts.of(file);
  return { counts, stoppedBy: new Error('interrupted'), stoppedAt: { file, line: lastLine } };
}

async function importSource(
  source: ImportSource,
  run: { counts: ImportCounts; batches: BatchSender; options: ImportOptions },
): Promise<void> {
  const { counts, batches, options } = run;
  const file = counts.of(source.name);
  // Data taken from a pipe exists nowhere else, so a signal does not end its reading at once. A file can be read again.
  const piped = source.bytes === undefined;
  const bytes = gunzipped(source.open((count) => options.progress.bytes(count)));
  const clock = { ...options.clock, live: piped };
  const records = readRecords(options.format, piped ? readPipe(bytes, options.stop) : bytes, clock);
  try {
    while (piped || !options.stop.aborted) {
      const next = await nextOf(records);
      if ('stopped' in next) return;
      if ('failure' in next) {
        file.failure = next.failure;
        return;
      }
      if (next.done === true) return;
      await batches.add(source.name, next.value);
      if (!('idle' in next.value)) options.progress.records(counts, source.name);
    }
  } finally {
    await records.return(undefined);
  }
}

/** Catches the errors of reading, which concern one input; those of `BatchSender` end the import. */
async function nextOf(
  records: AsyncGenerator<ReadRecord>,
): Promise<IteratorResult<ReadRecord> | { failure: string } | { stopped: true }> {
  try {
    return await records.next();
  } catch (error) {
    if (error instanceof StoppedBySignal) return { stopped: true };
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

type MappedRecord = Extract<ReadRecord, { input: LogEventInput }>;

class BatchSender {
  readonly #counts: ImportCounts;
  readonly #options: ImportOptions;
  #batch: PendingEvent[] = [];
  #bytes = 0;
  /** The time at which the oldest event of the batch was read. */
  #sinceMs = 0;
  #underWay: Promise<void> = Promise.resolve();

  constructor(counts: ImportCounts, options: ImportOptions) {
    this.#counts = counts;
    this.#options = options;
  }

  async add(file: string, record: ReadRecord): Promise<void> {
    // While the input is silent, the batch is sent and its errors are thrown here.
    if ('idle' in record) return this.finish();
    this.#counts.of(file).lastLine = Math.max(this.#counts.of(file).lastLine, record.line);
    if ('unmapped' in record) this.#counts.addUnmapped(file, record.line, record.unmapped);
    else if ('joined' in record) this.#counts.addJoined(file, record.line, record.joined);
    else await this.#addEvent(file, record);
    if (this.#batch.length > 0 && Date.now() - this.#sinceMs > BATCH_MS) await this.#send();
  }

  async #addEvent(file: string, { line, input, renamed, timeNote }: MappedRecord): Promise<void> {
    this.#counts.of(file).read += 1;
    if (renamed !== undefined) this.#counts.addRenamed(file, { line, renamed, input });
    if (timeNote !== undefined) this.#counts.addTimeNote(file, line, timeNote);
    const json = JSON.stringify(withCustomer(input, this.#options.customerId));
    const bytes = Buffer.byteLength(json);
    if (this.#batch.length > 0 && this.#bytes + bytes > BATCH_BYTES) await this.#send();
    if (this.#batch.length === 0) this.#sinceMs = Date.now();
    this.#batch.push({ json, file, line, ownId: isOwnId(input.idempotencyKey) });
    this.#bytes += bytes;
    if (this.#batch.length >= BATCH_EVENTS) await this.#send();
  }

  async finish(): Promise<void> {
    if (this.#batch.length > 0) await this.#send();
    await this.#underWay;
  }

  /** Waits for the preceding batch, throws its error, and sends this one without waiting for it. */
  async #send(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    await this.#underWay;
    this.#underWay = this.#settle(batch);
    // The next `send` or `finish` throws the error; until then it must not count as unhandled.
    this.#underWay.catch(() => undefined);
  }

  async #settle(batch: readonly PendingEvent[]): Promise<void> {
    const { client } = this.#options;
    if (client === undefined) return;
    const results: EventResult[] = await sendBatch(client, batch);
    for (const [index, { file, line }] of batch.entries())
      this.#counts.addResult(file, line, results[index] as EventResult);
  }
}

function withCustomer(input: LogEventInput, customerId: string | undefined): LogEventInput {
  if (customerId === undefined || customerId === input.customerId) return input;
  const source = input.customerId === undefined ? {} : { sourceCustomerId: input.customerId };
  return { ...input, customerId, details: { ...input.details, ...source } };
}
