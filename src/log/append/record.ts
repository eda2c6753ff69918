import { type AuditError, Problems } from '../../errors.ts';
import { mapAcrossTurns } from '../../event-loop.ts';
import { type AuditEvent, type EventDraft, TEXT_BOUNDS } from '../../events/fields.ts';
import type { OnProblem } from '../../events/json.ts';
import type { Redaction } from '../../events/redact/redact.ts';
import { isReserved, reservedProblem } from '../../events/reserved-resource-type.ts';
import { checkEvent, type EventInput } from '../../events/validate.ts';
import type { Appender } from './appender.ts';
import type { AssignedPosition } from './batch.ts';
import { type RunFilters, wantAll } from './extensions.ts';
import type { Dispatch } from './handlers.ts';
import { eventAt, type PreparedEvent, prepareEvent } from './prepare-event.ts';

/** The result of recording an event. */
export interface Recorded {
  status: 'RECORDED' | 'DUPLICATE' | 'FILTERED';
  /** Absent when filtered, and for a duplicate whose first event was removed by retention. */
  event: AuditEvent | undefined;
}

/** The pipeline that records events: it validates, filters, redacts and appends them, and calls the handlers. */
export interface Pipeline {
  filters: RunFilters;
  redaction: Redaction;
  appender: Appender;
  readPositions: (positions: number[]) => Promise<Map<number, AuditEvent>>;
  dispatch: Dispatch;
  now: () => number;
  /** Aborted when the service stops: client events that still wait are refused with the reason. */
  refused?: AbortSignal;
}

/** An input, and the path that its errors name. */
export interface PathedInput {
  input: EventInput;
  path: string;
  /** A problem that was found before. */
  problem?: AuditError | undefined;
  /** Whether fields of a wrong type were left out. The content of such an event cannot be compared with another's. */
  isPart?: boolean;
}

/**
 * Records the events of a client, all or none, in order. Throws BAD_USER_INPUT (also for the reserved resource type of system
 * events), CONFLICT, OVERLOADED, TIMEOUT or UNAVAILABLE; `AuditErrors` for several problems of the events.
 */
export function recordEvents(pipeline: Pipeline, inputs: readonly PathedInput[]): Promise<Recorded[]> {
  return record(pipeline, inputs, { checkInput: checkClientInput, checkDraft, signal: pipeline.refused });
}

/**
 * The first `most` problems of client events that are refused in any case. Problems of fields with a wrong type, which the
 * inputs lack, are not among them.
 */
export async function problemsOf(
  pipeline: Pipeline,
  inputs: readonly PathedInput[],
  most: number,
): Promise<readonly AuditError[]> {
  const problems = new Problems(most);
  const checks = { checkInput: checkClientInput, checkDraft, signal: pipeline.refused, isRefused: true };
  try {
    await prepareEvents({ ...pipeline, filters: wantAll }, inputs, { ...checks, problems });
    problems.throwAny();
    return [];
  } catch (error) {
    if (problems.count === 0) throw error;
    return problems.found;
  }
}

function checkClientInput(one: PathedInput, onProblem: OnProblem): EventDraft {
  const { input, path, problem } = one;
  if (problem) onProblem(problem);
  if (isReserved(input.resourceType)) onProblem(reservedProblem(path));
  return checkInput(one, onProblem);
}

export function checkInput({ input, path }: PathedInput, onProblem: OnProblem): EventDraft {
  return checkEvent(input, path, onProblem);
}

// Filters are code of the deployment, and may modify the draft.
function checkDraft({ resourceType }: EventDraft): void {
  if (isReserved(resourceType)) throw new Error('a filter gave a client event the resource type of the log');
}

interface Checks {
  checkInput: (one: PathedInput, onProblem: OnProblem) => EventDraft;
  checkDraft: (redacted: EventDraft) => void;
  /** Aborted to stop the work. */
  signal?: AbortSignal | undefined;
  /** Whether the events are refused in any case, for a problem that is not among those found here. */
  isRefused?: boolean;
}

/** Checks, filters, redacts and appends events, all or none, in order. */
export async function record(
  pipeline: Pipeline,
  inputs: readonly PathedInput[],
  { checkInput, checkDraft, signal }: Checks,
): Promise<Recorded[]> {
  const problems = new Problems();
  const prepared = await prepareEvents(pipeline, inputs, { checkInput, checkDraft, signal, problems });
  problems.throwAny();
  const paths = inputs.map(({ path }) => path);
  return append(pipeline, prepared, { paths, signal });
}

/** Prepares the events that the filters accept. Undefined stands for the others and for those with a problem. */
async function prepareEvents(
  pipeline: Pipeline,
  inputs: readonly PathedInput[],
  { checkInput, checkDraft, signal, isRefused, problems }: Checks & { problems: Problems },
): Promise<(PreparedEvent | undefined)[]> {
  const now = pipeline.now();
  const drafts = await mapAcrossTurns(inputs, (one) => {
    signal?.throwIfAborted();
    const before = problems.count;
    const draft = checkInput(one, problems.add);
    return problems.count === before ? draft : undefined;
  });
  // A batch that is refused in any case is not passed to the filters.
  const isAccepted = problems.count === 0 && (await pipeline.filters(drafts as EventDraft[]));
  const prepared = await mapAcrossTurns(drafts, (draft, index) => {
    signal?.throwIfAborted();
    if (!draft || (isAccepted && !isAccepted[index])) return undefined;
    const path = inputs[index]?.path ?? 'input';
    return problems.attempt(() => {
      const redacted = pipeline.redaction.event(draft, path);
      checkDraft(redacted);
      return prepareEvent(redacted, now, path);
    });
  });
  if (isRefused || problems.count > 0) await addConflicts(pipeline, prepared, { inputs, problems });
  return prepared;
}

// For refused events only: `append` reports the conflicts of the others.
async function addConflicts(
  { appender }: Pipeline,
  prepared: readonly (PreparedEvent | undefined)[],
  { inputs, problems }: { inputs: readonly PathedInput[]; problems: Problems },
): Promise<void> {
  const complete = prepared.flatMap((event, index) => {
    const input = inputs[index];
    return event && input && !input.isPart ? [{ event, path: input.path }] : [];
  });
  const conflicts = await appender.conflicts({
    events: complete.map(({ event }) => event),
    paths: complete.map(({ path }) => path),
  });
  for (const conflict of conflicts) problems.add(conflict);
}

async function append(
  pipeline: Pipeline,
  prepared: (PreparedEvent | undefined)[],
  { paths, signal }: { paths: string[]; signal: AbortSignal | undefined },
): Promise<Recorded[]> {
  const events = prepared.filter((event) => event !== undefined);
  const kept = paths.filter((_, index) => prepared[index] !== undefined);
  const positions = await pipeline.appender.append({ events, paths: kept, signal });
  const recorded: AuditEvent[] = [];
  events.forEach((event, index) => {
    const { position, isNew } = positions[index] as AssignedPosition;
    if (isNew) recorded.push(eventAt(event, position));
  });
  pipeline.dispatch(recorded);
  const isAllNew = recorded.length === prepared.length;
  if (isAllNew) return recorded.map((event): Recorded => ({ status: 'RECORDED', event }));
  const byPosition = await withDuplicates(pipeline, recorded, positions);
  const next = positions.values();
  return prepared.map((event): Recorded => {
    if (!event) return { status: 'FILTERED', event: undefined };
    const { position, isNew } = next.next().value as AssignedPosition;
    return { status: isNew ? 'RECORDED' : 'DUPLICATE', event: byPosition.get(position) };
  });
}

/** The events at the positions: those just recorded, and the stored ones. */
async function withDuplicates(
  { readPositions }: Pipeline,
  recorded: readonly AuditEvent[],
  positions: readonly AssignedPosition[],
): Promise<Map<number, AuditEvent>> {
  const byPosition = new Map(recorded.map((event) => [event.position, event]));
  const missing = positions.map(({ position }) => position).filter((position) => !byPosition.has(position));
  if (missing.length === 0) return byPosition;
  for (const [at, event] of await readPositions(missing)) byPosition.set(at, event);
  return byPosition;
}

/** The other end of a connection. */
export interface Peer {
  /** Absent when the connection is closed already, or there was none. */
  ipAddress?: string | undefined;
  /** The start of its `User-Agent`. */
  userAgent?: string | undefined;
}

/** The actor of a system event, and the connection that it came from. */
export interface Caller extends Peer {
  /** The id of an API key, or `cli:` and the name of an operating system user. Absent: the service itself. */
  userId?: string | undefined;
}

/** Records a system event, an event about the log itself. It is committed when this resolves. No filter can decline it. */
export async function recordSystemEvent(
  pipeline: Pipeline,
  caller: Caller,
  event: EventInput,
): Promise<void> {
  await recordSystemEvents(pipeline, [{ ...event, ...caller }]);
}

/** Records system events, all or none. No filter can decline them. Throws OVERLOADED or UNAVAILABLE. */
export async function recordSystemEvents(pipeline: Pipeline, events: readonly EventInput[]): Promise<void> {
  const checks = { checkInput, checkDraft: () => undefined };
  await record({ ...pipeline, filters: wantAll }, events.map(asSystemInput), checks);
}

/** Prepares a system event for a transaction that appends it together with other changes. */
export function prepareSystemEvent(pipeline: Pipeline, caller: Caller, event: EventInput): PreparedEvent {
  const { input, path } = asSystemInput({ ...event, ...caller });
  return prepareEvent(pipeline.redaction.event(checkEvent(input, path), path), pipeline.now(), path);
}

function asSystemInput(event: EventInput): PathedInput {
  return { input: { ...event, ...fittedTexts(event) }, path: 'event' };
}

// User ids and user agents come from outside: they are made to fit, so that they cannot prevent the event.
function fittedTexts({ userId, userAgent }: EventInput): Pick<EventInput, 'userId' | 'userAgent'> {
  return { userId: fitted(userId, TEXT_BOUNDS.userId), userAgent: fitted(userAgent, TEXT_BOUNDS.userAgent) };
}

function fitted(text: string | null | undefined, most: number): string | undefined {
  return text?.replaceAll('\0', '').slice(0, most).toWellFormed();
}
