const FIN_AND_TEXT = 0x81;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;

/** A message of a server over WebSocket in one frame (RFC 6455, 5.2): `head` and `body`, together UTF-8. */
export function textFrame(head: Uint8Array, body: Uint8Array): Buffer {
  const length = head.length + body.length;
  const start = length < TWO_BYTES ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = FIN_AND_TEXT;
  if (start === 2) frame[1] = length;
  else if (start === 4) {
    frame[1] = TWO_BYTES;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = EIGHT_BYTES;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(head, start);
  frame.set(body, start + head.length);
  return frame;
}
