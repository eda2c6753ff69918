import type { WebSocket } from 'ws';

const MAX_SILENT_PINGS = 5;

/**
 * Pings the socket every `pingMs`, so that nothing in between takes it for idle, and cuts it when nothing at all came
 * from it during five of them. That leaves a slow reader the time to get to a ping behind what it has not read yet.
 */
export function keepAlive(socket: WebSocket, pingMs: number): void {
  let silentPings = 0;
  const heard = () => {
    silentPings = 0;
  };
  for (const event of ['pong', 'ping', 'message']) socket.on(event, heard);
  const timer = setInterval(() => {
    if (silentPings >= MAX_SILENT_PINGS) return socket.terminate();
    silentPings += 1;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, pingMs);
  socket.once('close', () => clearInterval(timer));
}
