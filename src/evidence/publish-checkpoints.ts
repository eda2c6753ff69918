import type { Logger } from 'pino';
import type { Pool } from '../db/pool.ts';
import { createAnchors } from './anchors.ts';
import type { Signer } from './signer.ts';
import type { LogIdentity } from './signing-identity.ts';
import type { Witness } from './witness-protocol.ts';
import { createWitnessing } from './witnesses.ts';

/** Where checkpoints are published, and how often. */
export interface PublishingOptions {
  pool: Pool;
  identity: LogIdentity;
  signer: Signer;
  log: Logger;
  anchors: { file: string | undefined; webhook: string | undefined; intervalMs: number };
  witnesses: readonly Witness[];
  /** Minimum time between two checkpoints for a witness. */
  witnessIntervalMs: number;
  /** Timeout of a request to a witness or to the webhook. */
  timeoutMs: number;
  /** Called when a witness knows another log than this one. */
  onDispute: (witness: string, error: Error) => void;
}

/** Publishes checkpoints where somebody who can write to the database cannot change them: witnesses, a file, a webhook. */
export function publishCheckpoints(options: PublishingOptions): { close(): Promise<void> } {
  const { pool, identity, signer, log, timeoutMs } = options;
  const anchors = createAnchors({
    pool,
    identity,
    ...options.anchors,
    timeoutMs,
    signNow: signer.signNow,
    onAlarm: signer.halt,
    onError: (error) => log.error({ cause: error.message }, 'a checkpoint could not be anchored'),
  });
  const witnessing = createWitnessing({
    pool,
    verifierKey: identity.verifierKey,
    witnesses: options.witnesses,
    intervalMs: options.witnessIntervalMs,
    timeoutMs,
    onDispute(witness, error) {
      log.fatal({ witness }, `a witness knows another log than this one: ${error.message}`);
      options.onDispute(witness, error);
    },
    onError: (witness, error) => log.warn({ witness, cause: error.message }, 'a witness did not cosign'),
  });
  return {
    async close() {
      await Promise.all([anchors.close(), witnessing.close()]);
    },
  };
}
