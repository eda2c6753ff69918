import type { ClientBase } from 'pg';

/** The number of the server's process that answers a client; `@types/pg` leaves it out. */
export function processOf(client: ClientBase): number {
  const { processID } = client as ClientBase & { processID: number };
  return processID;
}
