import type { EventInput } from '../events/input.ts';
import { alarmOf, disputeOf } from '../integrity/alarm.ts';
import { findRollback } from '../integrity/anchors/check-anchor.ts';
import type { IntegrityError } from '../integrity/integrity-error.ts';
import { keepOutside } from '../integrity/outside.ts';
import { createSigner, type Signer } from '../integrity/signer.ts';
import { recordOwnEvent } from '../pipeline/own.ts';
import type { Pipeline } from '../pipeline/record.ts';
import type { Opening, Storage } from './storage.ts';

/** Starts to sign checkpoints, and to have them kept outside. What is found altered is an event in the log. */
export async function openEvidence(
  opening: Opening,
  { pool, identity }: Storage,
  pipeline: Pipeline,
): Promise<Signer> {
  const { config, log, closers, onError } = opening;
  const record = (input: EventInput) => void recordOwnEvent(pipeline, {}, input).catch(onError);
  const raiseAlarm = (error: IntegrityError) => {
    const { problem, position } = error;
    log.fatal({ problem, position }, `the log was altered: ${error.message}`);
    record(alarmOf(error));
  };
  const rollback = await findRollback(pool, identity, config.ANCHOR_FILE);
  const signer = createSigner({
    pool,
    identity,
    problem: rollback,
    intervalMs: config.CHECKPOINT_INTERVAL_MS,
    heartbeatMs: config.CHECKPOINT_HEARTBEAT_MS,
    onAlarm: raiseAlarm,
    onError,
  });
  closers.add(signer, (part) => part.close());
  if (rollback) raiseAlarm(rollback);
  void signer.signNow();
  const outside = keepOutside({
    pool,
    identity,
    signer,
    log,
    anchors: {
      file: config.ANCHOR_FILE,
      webhook: config.ANCHOR_WEBHOOK,
      intervalMs: config.ANCHOR_INTERVAL_MS,
    },
    witnesses: config.WITNESSES,
    witnessIntervalMs: config.WITNESS_INTERVAL_MS,
    timeoutMs: config.OUTBOUND_TIMEOUT_MS,
    onDispute: (witness, error) => record(disputeOf(witness, error)),
  });
  closers.add(outside, (part) => part.close());
  return signer;
}
