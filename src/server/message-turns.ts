import type { WebSocket } from 'ws';
import { inOneTurn, inThisTurn, isTurnFree } from '../event-loop.ts';

/**
 * Handles the messages of a socket in their order, each in a turn of the event loop that has time for it: many can come in
 * one read of many sockets. While one waits, the socket is not read.
 */
export function onMessageInTurns(
  socket: WebSocket,
  handle: (data: Buffer, isBinary: boolean) => void,
  onFailure: (error: Error) => void,
): void {
  const waiting: { data: Buffer; isBinary: boolean }[] = [];

  async function handleWaiting(): Promise<void> {
    socket.pause();
    for (let next = waiting[0]; next; next = waiting[0]) {
      const { data, isBinary } = next;
      await inOneTurn(() => handle(data, isBinary));
      waiting.shift();
    }
    socket.resume();
  }

  socket.on('message', (data: Buffer, isBinary) => {
    if (waiting.length === 0 && isTurnFree()) return inThisTurn(() => handle(data, isBinary));
    waiting.push({ data, isBinary });
    if (waiting.length === 1) handleWaiting().catch(onFailure);
  });
}
