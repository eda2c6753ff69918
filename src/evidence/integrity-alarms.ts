import { SYSTEM_RESOURCE_TYPE } from '../events/reserved-resource-type.ts';
import type { EventInput } from '../events/validate.ts';

/** What is wrong with the stored log. */
export type IntegrityProblem =
  | 'missing'
  | 'changed'
  | 'out of order'
  | 'tile'
  | 'tree'
  | 'head'
  | 'checkpoint'
  | 'anchor';

/** The stored log differs from what was hashed or signed. Nothing may be signed on top of it. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError';
  readonly problem: IntegrityProblem;
  /** The first wrong position, if it is known. */
  readonly position: number | undefined;

  constructor(problem: IntegrityProblem, message: string, position?: number) {
    super(position === undefined ? message : `position ${position}: ${message}`);
    this.problem = problem;
    this.position = position;
  }
}

/** The event that reports that the stored log was altered. */
export function alteredLogEvent({ problem, position, message }: IntegrityError): EventInput {
  return {
    eventType: 'security.alert',
    severity: 'critical',
    outcome: 'failure',
    action: 'log.altered',
    description: `The stored log was altered, and signing has stopped: ${message}`,
    resourceType: SYSTEM_RESOURCE_TYPE,
    details: position === undefined ? { problem } : { problem, position },
  };
}

/** The event that reports that a witness knows another log than this one. */
export function disputedLogEvent(witness: string, { message }: Error): EventInput {
  return {
    eventType: 'security.alert',
    severity: 'critical',
    outcome: 'failure',
    action: 'log.disputed',
    description: `A witness does not cosign this log: it was rewritten or rolled back, or the witness is wrong: ${message}`,
    resourceType: SYSTEM_RESOURCE_TYPE,
    details: { witness },
  };
}
