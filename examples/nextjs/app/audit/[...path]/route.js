// The API below /audit: /audit/graphql, with GraphiQL and subscriptions as server-sent events.
import { auditLog } from '../../../audit-log.js';

export const dynamic = 'force-dynamic';

async function handle(request) {
  const log = await auditLog();
  return log.fetch(request);
}

export { handle as GET, handle as HEAD, handle as OPTIONS, handle as POST };
