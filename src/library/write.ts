import { type AuditError, badInput, MAX_PROBLEMS } from '../errors.ts';
import { mapAcrossTurns } from '../event-loop.ts';
import { checkBatchSize } from '../events/validate.ts';
import { problemsOf, recordEvents } from '../log/append/record.ts';
import { boundInput } from '../schema/input-problems.ts';
import { AuditEvent } from './audit-event.ts';
import type { CallOptions, LogResult } from './audit-log.ts';
import { runCall } from './calls.ts';
import { type LogEvent, type ReadInput, readEvent, throwProblems } from './inputs.ts';
import type { OpenLog } from './open.ts';

/** An event that was read from the program's input, and the path that its errors name. */
interface PathedRead extends ReadInput {
  path: string;
}

/** Records one event, which `read` reads from the program's input. */
export async function writeOne<Given>(
  open: OpenLog,
  read: (given: Given, path: string, eventTypes: readonly string[]) => ReadInput,
  given: Given,
  { what, principal }: CallOptions & { what: string },
): Promise<LogResult> {
  return runCall(open, { principal, scope: 'events:write', what }, async (context) => {
    const one = { ...read(given, 'input', open.services.catalog.eventTypes), path: 'input' };
    const [result] = await write(open, context, [one]);
    return result as LogResult;
  });
}

/** Records a batch, all or none. */
export async function writeMany(
  open: OpenLog,
  given: readonly LogEvent[],
  { principal }: CallOptions,
): Promise<LogResult[]> {
  return runCall(open, { principal, scope: 'events:write', what: 'logEvents' }, async (context) => {
    if (!Array.isArray(given)) throw badInput('input', 'must be an array of events');
    checkBatchSize(given);
    // All are read at once: the program may change its objects while the event loop serves other requests.
    const { eventTypes } = open.services.catalog;
    const read = given.map((one, index) => {
      const path = `input[${index}]`;
      return { ...readEvent(one, path, eventTypes), path };
    });
    return write(open, context, read);
  });
}

type CallContext = Parameters<Parameters<typeof runCall>[2]>[0];

async function write(
  { services }: OpenLog,
  { principal }: CallContext,
  read: PathedRead[],
): Promise<LogResult[]> {
  const bound = await mapAcrossTurns(read, ({ input, path, problems }) => ({
    ...boundInput(principal, input, path),
    isPart: problems.length > 0,
  }));
  const wrong = read.flatMap(({ problems }) => problems);
  // Reports further problems of the batch too, as the API does.
  if (wrong.length > 0)
    throwProblems(merged(wrong, await problemsOf(services.pipeline, bound, MAX_PROBLEMS)));
  const recorded = await recordEvents(services.pipeline, bound);
  return recorded.map(({ status, event }) => ({ status, event: event && AuditEvent.of(event) }));
}

function merged(wrong: readonly AuditError[], others: readonly AuditError[]): AuditError[] {
  const named = new Set(wrong.map(({ path }) => path));
  return [...wrong, ...others.filter(({ path }) => !named.has(path))];
}
