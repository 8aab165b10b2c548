import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { type ConnectionOptions, connect } from "node:tls";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { parseClientHello, readOpening } from "./client-hello.ts";

/** What a real client says first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect({ host: "127.0.0.1", port, ...options });
  client.on("error", () => undefined);
  const [socket] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

let hello: Buffer;
beforeAll(async () => {
  hello = await helloOf({ servername: "Registry.example" });
});

/** The hello in records of these many bytes. */
const inRecords = (size: number): Buffer => {
  const message = hello.subarray(5);
  const parts = Array.from({ length: Math.ceil(message.length / size) }, (_, at) =>
    message.subarray(at * size, (at + 1) * size),
  );
  return Buffer.concat(parts.flatMap((part) => [Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part]));
};

/** The hello with one more extension, which is told of in all three lengths around it. */
function extended(type: number, data: Buffer): Buffer {
  const head = Buffer.from([type >> 8, type & 255, data.length >> 8, data.length & 255]);
  const bytes = Buffer.concat([hello, head, data]);
  const added = head.length + data.length;
  bytes.writeUInt16BE(bytes.readUInt16BE(3) + added, 3);
  bytes.writeUIntBE(bytes.readUIntBE(6, 3) + added, 6, 3);
  let at = 9 + 2 + 32;
  at += 1 + bytes[at]!;
  at += 2 + bytes.readUInt16BE(at);
  at += 1 + bytes[at]!;
  bytes.writeUInt16BE(bytes.readUInt16BE(at) + added, at);
  return bytes;
}

test("E7 the server that a client names is read, in whatever version of TLS it speaks", async () => {
  expect(parseClientHello(hello)).toEqual({ name: "registry.example" });
  const old = await helloOf({ servername: "a.example", maxVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] });
  expect(parseClientHello(old)).toEqual({ name: "a.example" });
  expect(parseClientHello(await helloOf({}))).toEqual({ name: undefined });
});

test("E7 it may come in any number of records and pieces", async () => {
  for (const size of [1, 2, 3, 40, 41, 200])
    expect(parseClientHello(inRecords(size))).toEqual({ name: "registry.example" });
  const whole = inRecords(7);
  for (let length = 0; length < whole.length; length++)
    expect(parseClientHello(whole.subarray(0, length))).toBe("more");
  const stream = new PassThrough();
  const opening = readOpening(stream, whole.subarray(0, 3), 10_000);
  for (const byte of whole.subarray(3)) stream.write(Buffer.from([byte]));
  expect(await opening).toEqual({ bytes: whole, hello: { name: "registry.example" } });
});

test("E7 what hides or doubles whom it is for is no hello, and neither is anything else", () => {
  const name = Buffer.from("\0\x10\0\0\x0dother.example", "latin1");
  expect(parseClientHello(extended(0x1234, name))).toEqual({ name: "registry.example" });
  expect(parseClientHello(extended(0, name))).toBeUndefined();
  expect(parseClientHello(extended(0xfe0d, name))).toBeUndefined();
  for (const other of [
    "GET / HTTP/1.1\r\n",
    "SSH-2.0-x\r\n",
    "\x17\x03\x03\0\x01x",
    "\x16\x03\x01\0\0",
    "\x16\x03\x01\0\x01\x02",
  ])
    expect(parseClientHello(Buffer.from(other, "latin1")), other).toBeUndefined();
});

test("E7 any change of any bytes gives the name, another one, or none; nothing breaks", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(hello.length - 1), fc.nat(255)), { maxLength: 5 }), (changes) => {
      const bytes = Buffer.from(hello);
      for (const [at, byte] of changes) bytes[at] = byte;
      const read = parseClientHello(bytes);
      if (read !== undefined && read !== "more" && read.name !== undefined)
        expect(bytes.toString("latin1").toLowerCase()).toContain(read.name);
    }),
  );
});

test("E7 a client that is slow, or says more than one hello, is not waited for", async () => {
  const slow = new PassThrough();
  expect(await readOpening(slow, hello.subarray(0, 20), 20)).toMatchObject({ hello: undefined });
  const endless = new PassThrough();
  const opening = readOpening(endless, Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]), 10_000);
  for (let n = 0; n < 5; n++) endless.write(Buffer.alloc(4096));
  expect((await opening).bytes.length).toBeLessThan(24 * 1024);
  const gone = new PassThrough();
  const left = readOpening(gone, Buffer.alloc(0), 10_000);
  gone.end();
  expect(await left).toEqual({ bytes: Buffer.alloc(0), hello: undefined });
});
