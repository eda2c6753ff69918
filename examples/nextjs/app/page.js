import { auditLog } from '../audit-log.js';

export const dynamic = 'force-dynamic';

/** The last events, on a page that the server renders. */
export default async function Page() {
  const log = await auditLog();
  const { events } = await log.query({ categories: ['data'] }, { limit: 20 });
  return (
    <ul>
      {events.map((event) => (
        <li key={event.id}>
          {new Date(event.timestamp).toISOString()} {event.eventType} {event.resourceId}
        </li>
      ))}
    </ul>
  );
}
