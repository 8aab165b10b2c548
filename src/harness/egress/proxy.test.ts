import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { silentLog } from "../log.ts";
import { serveProxy } from "./proxy.ts";
import { type Rule, ruleOf, ruleOfUrl } from "./rules.ts";

const stops: (() => unknown)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  stops.push(() => server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A proxy with these rules; what it refused. */
async function proxy(rules: readonly Rule[]) {
  const noted: string[] = [];
  const end = new AbortController();
  const server = createServer();
  const port = await listening(server);
  stops.push(() => end.abort());
  const refused = (_run: string, target: string) => noted.push(target);
  serveProxy({ server, run: "r", rules, log: silentLog, refused, signal: end.signal });
  return {
    port,
    noted,
    async tunnel(path: string): Promise<{ status: number; socket: Socket }> {
      const asked = request({ host: "127.0.0.1", port, method: "CONNECT", path }).end();
      const [answer, socket] = (await once(asked, "connect")) as [{ statusCode: number }, Socket];
      stops.push(() => socket.destroy());
      return { status: answer.statusCode, socket };
    },
  };
}

/** Somewhere outside; keeps what came. */
async function outside() {
  const came: Buffer[] = [];
  const port = await listening(
    createServer((socket) => {
      socket.on("error", () => undefined).on("data", (chunk) => came.push(chunk));
      stops.push(() => socket.destroy());
    }),
  );
  return { port, text: () => Buffer.concat(came).toString("latin1") };
}

test("what a command is refused again and again, or in ever new names, is noted in bounded measure", async () => {
  const { noted, tunnel } = await proxy([]);
  for (let n = 0; n < 3; n++) expect((await tunnel("again.example:443")).status).toBe(403);
  await tunnel(`${"long".repeat(500)}.example:443`);
  for (let n = 0; n < 80; n++) await tunnel(`host-${n}.example:443`);
  expect(noted).toHaveLength(51);
  expect(noted.slice(0, 3)).toEqual(["again.example:443", "long".repeat(75), "host-0.example:443"]);
  expect(noted.at(-1)).toBe("further targets");
});

test("E7 there is no tunnel to an http:// address, in which any host could be asked for anything", async () => {
  const there = await outside();
  const { noted, tunnel } = await proxy([ruleOfUrl(`http://127.0.0.1:${there.port}/debian`)]);
  expect((await tunnel(`127.0.0.1:${there.port}`)).status).toBe(403);
  expect(noted).toEqual([`127.0.0.1:${there.port}`]);
});

test("E7 nothing but TLS to the rule's own server leaves by a tunnel; the rest is refused in words, and noted", async () => {
  const there = await outside();
  const target = `127.0.0.1:${there.port}`;
  const { noted, tunnel } = await proxy([ruleOf(target)]);
  const posted = await tunnel(target);
  expect(posted.status).toBe(200);
  posted.socket.write("POST / HTTP/1.1\r\nhost: attacker.example\r\n\r\n");
  const [told] = (await once(posted.socket, "data")) as [Buffer];
  expect(told.toString()).toMatch(/^HTTP\/1\.1 403 [\s\S]*only TLS to 127\.0\.0\.1/);
  const elsewhere = connectTls({ socket: (await tunnel(target)).socket, servername: "attacker.example" });
  const [error] = (await once(elsewhere, "error")) as [Error];
  expect(error.message).toMatch(/unrecognized name/);
  expect(there.text()).toBe("");
  expect(noted).toEqual([`something other than TLS through ${target}`, `attacker.example through ${target}`]);
  const own = connectTls({ socket: (await tunnel(target)).socket }).on("error", () => undefined);
  await expect.poll(there.text).toContain("\u0016\u0003\u0001");
  own.destroy();
  // Only looked whether there is somebody.
  (await tunnel(target)).socket.end();
  expect(noted).toHaveLength(2);
});

test("E7 a request without a body tells of none: what follows it would pass for another request", async () => {
  const there = await outside();
  const { port } = await proxy([ruleOfUrl(`http://127.0.0.1:${there.port}`)]);
  const socket = connect(port, "127.0.0.1");
  stops.push(() => socket.destroy());
  const lines = ["content-length: 40", "expect: 100-continue", "accept: x"];
  socket.write(`GET http://127.0.0.1:${there.port}/x HTTP/1.1\r\nhost: h\r\n${lines.join("\r\n")}\r\n\r\n`);
  await expect.poll(there.text).toContain("accept: x");
  expect(there.text()).toMatch(/^GET \/x HTTP\/1\.1\r\n/);
  expect(there.text()).not.toMatch(/content-length|transfer-encoding|expect/i);
});
