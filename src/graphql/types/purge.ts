import { badInput } from '../../errors.ts';
import { recordEvents } from '../../pipeline/record.ts';
import { purgeBefore } from '../../retention/purge.ts';
import { builder } from '../builder.ts';

const DAY_MS = 86_400_000;
const MAX_DAYS = 36_500;

const PurgeResultRef = builder.objectRef<{ purged: number }>('PurgeResult').implement({
  fields: (t) => ({ purged: t.field({ type: 'SafeInt', resolve: ({ purged }) => purged }) }),
});

builder.mutationField('purgeEvents', (t) =>
  t.field({
    type: PurgeResultRef,
    description: 'Removes what was recorded more days ago. Itself an event in the log.',
    authScopes: { scope: 'admin' },
    args: { olderThanDays: t.arg.int({ required: true }) },
    resolve: async (_, { olderThanDays }, { viewer, services }) => {
      if (olderThanDays < 0 || olderThanDays > MAX_DAYS) {
        throw badInput('olderThanDays', `must be from 0 to ${MAX_DAYS}`);
      }
      // What leaves the log is signed first, so that its leaves stay provable.
      await services.evidence.checkpoint('log');
      const purged = await purgeBefore(services.pool, services.pipeline.now() - olderThanDays * DAY_MS);
      const input = {
        eventType: 'data.delete',
        severity: 'warning',
        action: 'log.purge',
        description: `${purged} events recorded more than ${olderThanDays} days ago were removed`,
        userId: viewer.keyId,
        resourceType: 'audit_log',
        details: { purged, olderThanDays },
      } as const;
      await recordEvents(services.pipeline, [{ input, path: 'input' }]);
      return { purged };
    },
  }),
);
