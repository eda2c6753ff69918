import { callerOf } from '../auth/principal-and-scopes.ts';
import { SILENCE } from '../db/client-with-deadlines.ts';
import { createPool } from '../db/pool.ts';
import { MAX_AGE_DAYS } from '../events/time.ts';
import { verifyDatabase } from '../verify/database.ts';
import { usefulThreads } from '../verify/threads.ts';
import type { CallOptions, VerifyOptions, VerifyResult } from './audit-log.ts';
import { runCall } from './calls.ts';
import type { OpenLog } from './open.ts';
import { readWholeNumber } from './read.ts';

/** Removes the events that were recorded more than `olderThanDays` ago. */
export function purge(
  open: OpenLog,
  { olderThanDays, principal }: { olderThanDays: number } & CallOptions,
): Promise<{ purged: number }> {
  const { evidence, purges } = open.services;
  return runCall(open, { principal, scope: 'admin', what: 'purgeEvents' }, async (context) => {
    readWholeNumber(0, MAX_AGE_DAYS, olderThanDays, 'olderThanDays');
    // Signs the log first, so that the leaves of removed events stay provable.
    await evidence.checkpoint(evidence.logView);
    return { purged: await purges.purge(callerOf(context), { olderThanDays, isAsked: true }) };
  });
}

/** Verifies the whole log, in several threads where there are processors for them. */
export function verify(open: OpenLog, options: VerifyOptions): Promise<VerifyResult> {
  const { principal, checkpoints = [], verifierKey } = options;
  return runCall(open, { principal, scope: 'admin', what: 'verify' }, async () => {
    const url = open.storage.ownerUrl;
    const pool = createPool(url, () => undefined, { max: 2, silenceMs: SILENCE.none });
    try {
      const kept = checkpoints.map((note, at) => ({ name: `checkpoints[${at}]`, note }));
      const threads = { url, count: usefulThreads() };
      const found = await verifyDatabase(pool, { verifierKey, savedNotes: kept, threads });
      const isDecidable = found.trust !== undefined && found.checkpoints + kept.length > 0;
      return {
        outcome: found.findings.length > 0 ? 'does not hold' : isDecidable ? 'verified' : 'undecided',
        size: found.size,
        firstPosition: found.firstPosition,
        rootHash: found.rootHash && Buffer.from(found.rootHash).toString('hex'),
        events: found.events,
        checkpoints: found.checkpoints,
        cosignatures: found.cosignatures,
        customerTrees: found.customerTrees,
        findings: found.findings.map(({ kind, message, position, count }) => ({
          kind,
          message,
          position,
          count,
        })),
      };
    } finally {
      await pool.end();
    }
  });
}
