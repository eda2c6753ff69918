import { callerOf } from '../auth/principal-and-scopes.ts';
import { badInput } from '../errors.ts';
import { MAX_AGE_DAYS } from '../events/time.ts';
import { builder } from './builder.ts';
import { COUNT_COST, cost } from './cost.ts';

const PurgeResultRef = builder.objectRef<{ purged: number }>('PurgeResult').implement({
  description: 'What a purge removed.',
  fields: (t) => ({
    purged: t.field({ type: 'SafeInt', description: 'How many events.', resolve: ({ purged }) => purged }),
  }),
});

builder.mutationField('purgeEvents', (t) =>
  t.field({
    type: PurgeResultRef,
    extensions: cost({ own: 10 * COUNT_COST }),
    description:
      'Removes the events that were recorded more days ago; 0: all up to now. The purge is recorded as an event.',
    authScopes: { scope: 'admin' },
    args: {
      olderThanDays: t.arg.int({
        required: true,
        description: `0 to ${MAX_AGE_DAYS}, counted from the recording of the events.`,
      }),
    },
    resolve: async (_, { olderThanDays }, context) => {
      const { services } = context;
      if (olderThanDays < 0 || olderThanDays > MAX_AGE_DAYS) {
        throw badInput('olderThanDays', `must be from 0 to ${MAX_AGE_DAYS}`);
      }
      // Signs a checkpoint first, so that the leaves of the removed events stay provable.
      await services.evidence.checkpoint(services.evidence.logView);
      return { purged: await services.purges.purge(callerOf(context), { olderThanDays, isAsked: true }) };
    },
  }),
);
