/** A message of the PostgreSQL protocol (version 3), where it stands in the chunk in which its first bytes came. */
export interface ProtocolMessage {
  /** Its first byte as a character, such as `Q`; empty for the startup message of a client. */
  type: string;
  /** Its first byte; 0 when some of its head came in the chunk before. */
  start: number;
  /** Behind its last byte; beyond the chunk when the rest of it is yet to come. */
  end: number;
}

/** Finds the messages in what a client or a server sends, chunk by chunk. Encrypted connections are not read. */
export class MessageReader {
  #head: Buffer = Buffer.alloc(0);
  /** How many bytes of the message at hand are in later chunks. */
  #left = 0;
  #isStartup: boolean;

  constructor({ isClient }: { isClient: boolean }) {
    this.#isStartup = isClient;
  }

  /** The messages that begin in the next chunk. */
  read(chunk: Buffer): ProtocolMessage[] {
    const messages: ProtocolMessage[] = [];
    const bytes = Buffer.concat([this.#head, chunk]);
    const offset = this.#head.length;
    let at = this.#left;
    for (;;) {
      const typeBytes = this.#isStartup ? 0 : 1;
      if (at + typeBytes + 4 > bytes.length) break;
      const end = at + typeBytes + bytes.readUInt32BE(at + typeBytes);
      const type = bytes.toString('latin1', at, at + typeBytes);
      messages.push({ type, start: Math.max(at - offset, 0), end: end - offset });
      this.#isStartup = false;
      at = end;
    }
    this.#head = bytes.subarray(Math.min(at, bytes.length));
    this.#left = Math.max(at - bytes.length, 0);
    return messages;
  }
}
