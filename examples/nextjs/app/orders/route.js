import { auditLog } from '../../audit-log.js';

/** Makes an order, and records that. */
export async function POST(request) {
  const order = await request.json();
  const log = await auditLog();
  const { event } = await log.logDataEvent({
    action: 'create',
    resourceType: 'order',
    resourceId: String(order.id),
    customerId: order.customerId,
    newValues: order,
  });
  return Response.json({ recorded: event.id });
}
