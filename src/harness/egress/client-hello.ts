import type { Duplex } from "node:stream";

/** How a TLS client begins, as far as the way out looks at it. */
export interface ClientHello {
  /** The server that it wants to speak to; undefined where it names none. */
  readonly name: string | undefined;
}

/** What a client said first: all bytes that were read, and the hello that they begin with. */
export interface Opening {
  readonly bytes: Buffer;
  /** Undefined: it is none, or it hides whom it is for, or it was larger or slower than one is. */
  readonly hello: ClientHello | undefined;
}

/** Those of real clients have hundreds of bytes, or two thousand where they bring a large key. */
const mostBytes = 16 * 1024;

/** Reads a connection until a client's hello is whole or cannot become one. Leaves the stream paused; `head` was read before. */
export function readOpening(stream: Duplex, head: Buffer, withinMs: number): Promise<Opening> {
  return new Promise((resolve) => {
    let bytes = head;
    const end = (hello?: ClientHello) => {
      clearTimeout(timer);
      stream.pause();
      stream.off("data", look).off("end", end).off("close", end);
      resolve({ bytes, hello });
    };
    const look = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const hello = parseClientHello(bytes);
      if (hello !== "more") end(hello);
      else if (bytes.length > mostBytes) end();
    };
    const timer = setTimeout(end, withinMs);
    stream.on("data", look).on("end", end).on("close", end);
    look(Buffer.alloc(0));
  });
}

const handshake = 22;
const clientHello = 1;
const serverName = 0;
/** Encrypted Client Hello: the name in sight is not the one that counts. */
const encryptedHello = 0xfe0d;

/** `more`: it is not whole yet. Undefined: it is none, or it hides whom it is for. */
export function parseClientHello(bytes: Buffer): ClientHello | "more" | undefined {
  let message = Buffer.alloc(0);
  for (let at = 0; ; ) {
    if (message.length > 0 && message[0] !== clientHello) return undefined;
    const whole = message.length < 4 ? undefined : 4 + message.readUIntBE(1, 3);
    if (whole !== undefined && message.length >= whole)
      return message.length === whole ? fieldsOf(message.subarray(4)) : undefined;
    // It may come in several records: type, version, length, a part of the message.
    if (at < bytes.length && bytes[at] !== handshake) return undefined;
    if (bytes.length < at + 5) return "more";
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0) return undefined;
    if (bytes.length < at + 5 + length) return "more";
    message = Buffer.concat([message, bytes.subarray(at + 5, at + 5 + length)]);
    at += 5 + length;
  }
}

function fieldsOf(message: Buffer): ClientHello | undefined {
  try {
    const fields = new Fields(message);
    fields.take(2 + 32);
    for (const width of [1, 2, 1]) fields.sized(width);
    const extensions = new Fields(fields.isOver() ? Buffer.alloc(0) : fields.sized(2));
    if (!fields.isOver()) return undefined;
    let name: string | undefined;
    while (!extensions.isOver()) {
      const type = extensions.take(2).readUInt16BE();
      const data = extensions.sized(2);
      if (type === encryptedHello) return undefined;
      if (type !== serverName) continue;
      // Two names, and each side might go by another one.
      if (name !== undefined) return undefined;
      name = nameIn(data);
    }
    return { name };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The one host name of a list of server names. */
function nameIn(data: Buffer): string {
  const names = new Fields(new Fields(data).sized(2));
  const type = names.take(1)[0];
  const name = names.sized(2).toString("latin1").toLowerCase();
  if (type !== 0 || !names.isOver() || !/^[a-z0-9._-]+$/.test(name)) throw new RangeError("not one host name");
  return name;
}

/** Reads bytes one field after the other. Throws RangeError where there are fewer. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  isOver(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError("the message is too short");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A field after its length, which has `width` bytes. */
  sized(width: number): Buffer {
    return this.take(this.take(width).readUIntBE(0, width));
  }
}
