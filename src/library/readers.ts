import { type Access, createAccess } from '../access/access.ts';
import { KEYS_CHANNEL } from '../access/keys.ts';
import { tokenOptions } from '../access/tokens/settings.ts';
import type { Config } from '../config.ts';
import { createFeed, type Feed } from '../feed/feed.ts';
import { createListener, GROWTH_CHANNEL } from '../feed/listener.ts';
import { createUpkeep } from '../log/upkeep.ts';
import type { Opening, Storage } from './storage.ts';

/** Who reads, and what tells them that the log has grown. */
export interface LogReaders {
  access: Access;
  feed: Feed;
  /** Milliseconds since 1970, for what expires. */
  expiryNow: () => number;
}

/** Opens keys and tokens, the feed, the counters behind summaries, and the connection that listens for all of them. */
export async function openReaders(opening: Opening, { pool, clock }: Storage): Promise<LogReaders> {
  const { config, databaseUrl, log, closers, onError } = opening;
  const expiryNow = opening.now ?? clock.now;
  const access = createAccess({
    pool,
    adminSecret: config.ADMIN_API_KEY,
    tokens: tokenOptions(config, log),
    ratePoints: config.RATE_LIMIT,
    failuresPerMinute: config.AUTH_FAILURES,
    subscriptions: subscriptionQuota(config),
    now: expiryNow,
    onError,
  });
  closers.add(access, (part) => part.close());
  const feed = await createFeed(pool, onError);
  const upkeep = closers.add(createUpkeep(pool, onError), (part) => part.close());
  const onGrowth = (hint?: string) => {
    feed.wake(hint);
    upkeep.wake();
  };
  const listener = createListener({
    connectionString: databaseUrl,
    hints: { [GROWTH_CHANNEL]: onGrowth, [KEYS_CHANNEL]: access.onChanged },
    onError,
  });
  closers.add(listener, (part) => part.close());
  return { access, feed, expiryNow };
}

function subscriptionQuota(config: Config) {
  return {
    total: { count: config.MAX_SUBSCRIPTIONS, bytes: config.MAX_SUBSCRIPTION_BYTES },
    perKey: { count: config.MAX_SUBSCRIPTIONS_PER_KEY, bytes: config.MAX_SUBSCRIPTION_BYTES_PER_KEY },
  };
}
