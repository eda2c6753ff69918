import type { EventInput } from '../events/input.ts';
import { OWN_RESOURCE_TYPE } from '../events/reserved.ts';
import type { IntegrityError } from './integrity-error.ts';

/** The event that tells everybody who watches that the stored log was altered. */
export function alarmOf({ problem, position, message }: IntegrityError): EventInput {
  return {
    eventType: 'security.alert',
    severity: 'critical',
    outcome: 'failure',
    action: 'log.altered',
    description: `The stored log was altered, and signing has stopped: ${message}`,
    resourceType: OWN_RESOURCE_TYPE,
    details: position === undefined ? { problem } : { problem, position },
  };
}

/** The event that tells everybody who watches that a witness knows another log than this one. */
export function disputeOf(witness: string, { message }: Error): EventInput {
  return {
    eventType: 'security.alert',
    severity: 'critical',
    outcome: 'failure',
    action: 'log.disputed',
    description: `A witness does not cosign this log: it was rewritten or rolled back, or the witness is wrong: ${message}`,
    resourceType: OWN_RESOURCE_TYPE,
    details: { witness },
  };
}
