import { callerOf } from '../auth/principal.ts';
import { badInput } from '../errors.ts';
import { builder } from './builder.ts';
import { COUNT_COST, cost } from './cost.ts';

export const MAX_DAYS = 36_500;

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
    description: 'Removes what was recorded more days ago; 0: all up to now. Itself an event in the log.',
    authScopes: { scope: 'admin' },
    args: {
      olderThanDays: t.arg.int({
        required: true,
        description: `0 to ${MAX_DAYS}, counted from when they were recorded.`,
      }),
    },
    resolve: async (_, { olderThanDays }, context) => {
      const { services } = context;
      if (olderThanDays < 0 || olderThanDays > MAX_DAYS) {
        throw badInput('olderThanDays', `must be from 0 to ${MAX_DAYS}`);
      }
      // What leaves the log is signed first, so that its leaves stay provable.
      await services.evidence.checkpoint(services.evidence.logView);
      return { purged: await services.purges.purge(callerOf(context), { olderThanDays, isAsked: true }) };
    },
  }),
);
