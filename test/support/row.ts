import { formatTime } from '../../src/events/time.ts';
import type { PreparedEvent } from '../../src/log/append/prepare-event.ts';

/** The row of an event as jsonb_populate_recordset takes it. */
export function rowAt(
  { record, leafHash: hash, searchWords: words }: PreparedEvent,
  position: number,
): object {
  return {
    position,
    id: record.id,
    salt: `\\x${record.salt}`,
    leaf_hash: `\\x${Buffer.from(hash).toString('hex')}`,
    timestamp: formatTime(record.timestamp),
    recorded_at: formatTime(record.recordedAt),
    event_type: record.eventType,
    outcome: record.outcome,
    severity: record.severity,
    user_id: record.userId,
    customer_id: record.customerId,
    session_id: record.sessionId,
    ip_address: record.ipAddress,
    user_agent: record.userAgent,
    request_id: record.requestId,
    resource_type: record.resourceType,
    resource_id: record.resourceId,
    action: record.action,
    description: record.description,
    details: record.details,
    old_values: record.oldValues,
    new_values: record.newValues,
    search_words: words,
  };
}
