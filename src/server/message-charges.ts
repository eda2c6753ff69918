import { CloseCode } from 'graphql-ws';
import { Work } from '../access/rate/work.ts';
import { type Connection, TRY_AGAIN_LATER, type WebSocketOptions } from './websocket-connection.ts';

/**
 * Longest message that is read for a client without a valid key, or whose key has nothing left: the largest token, with
 * what stands around it, and a subscription, but nothing that takes long to parse.
 */
const MAX_UNPAID_BYTES = 16_384;
/** Most messages that are read before a valid key came. */
const MAX_STRANGERS_MESSAGES = 10;

type Charges = Pick<WebSocketOptions, 'services' | 'peerOf'>;

/** Why a message is not even read, as a close; undefined: it is. Asked before anything is done for the message. */
export function admitMessage(
  { services: { rates, failures }, peerOf }: Charges,
  connection: Connection,
  bytes: number,
): { code: number; reason: string } | undefined {
  if (!connection.isAdmitted) {
    connection.strangersMessages += 1;
    if (bytes <= MAX_UNPAID_BYTES && connection.strangersMessages <= MAX_STRANGERS_MESSAGES) return undefined;
    failures.count(peerOf(connection.request).ipAddress);
    const reason = `up to ${MAX_STRANGERS_MESSAGES} messages of ${MAX_UNPAID_BYTES} bytes before connection_ack`;
    return { code: CloseCode.BadRequest, reason };
  }
  if (bytes <= MAX_UNPAID_BYTES || !connection.viewer) return undefined;
  try {
    rates.check(connection.viewer.keyId);
    return undefined;
  } catch {
    return { code: TRY_AGAIN_LATER, reason: 'the API key has spent what it may: try again later' };
  }
}

/** Charges what was done for a message: to its key, else to its address. */
export function chargeMessage(
  { services: { rates, failures }, peerOf }: Charges,
  connection: Connection,
): void {
  const { viewer, isAdmitted, request, work } = connection;
  connection.work = new Work();
  if (viewer) rates.charge(viewer.keyId, work.takeUnpaid());
  else if (!isAdmitted) failures.count(peerOf(request).ipAddress, work.milliseconds);
}
