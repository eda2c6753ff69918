import type { Signer } from '../integrity/signer.ts';
import { startKeyPolicy } from '../log/end-keys.ts';
import { createMetaAudit, type MetaAudit } from '../meta-audit/meta-audit.ts';
import type { Pipeline } from '../pipeline/record.ts';
import { createPurges, type Purges } from '../retention/purges.ts';
import { startRetention } from '../retention/timer.ts';
import { recordUpgrade } from '../retention/upgrade.ts';
import type { Opening, Storage } from './storage.ts';

/** What the log does about itself. */
export interface Maintenance {
  metaAudit: MetaAudit;
  purges: Purges;
}

/** Opens the audit of the log itself, and retention. */
export async function openMaintenance(
  opening: Opening,
  { owner }: Storage,
  { pipeline, signer }: { pipeline: Pipeline; signer: Signer },
): Promise<Maintenance> {
  const { config, log, closers, onError } = opening;
  const metaAudit = createMetaAudit({ owner, pipeline, settings: config, sign: signer.signNow, onError });
  closers.add(metaAudit, (part) => part.close());
  await recordUpgrade({ pool: owner, pipeline });
  const purges = createPurges({
    pool: owner,
    pipeline,
    maxPercent: config.RETENTION_MAX_PERCENT,
    databaseNow: opening.databaseNow,
    onError,
  });
  closers.add(purges, (part) => part.close());
  if (config.RETENTION_DAYS !== undefined) {
    const retention = startRetention({
      purges,
      days: config.RETENTION_DAYS,
      sign: signer.signNow,
      onRefusal: (error) => log.error({ cause: error.message }, 'retention removed nothing'),
      onError,
    });
    closers.add(retention, (part) => part.close());
  }
  if (config.IDEMPOTENCY_DAYS !== undefined)
    closers.add(startKeyPolicy({ owner, days: config.IDEMPOTENCY_DAYS, onError }), (part) => part.close());
  return { metaAudit, purges };
}
