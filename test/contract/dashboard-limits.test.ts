/** The dashboard's server against those who want to use it up. */
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Dashboard, startDashboard } from "../../src/dashboard/server.ts";
import { type SampleDashboard, sampleDashboard } from "../support/dashboard.ts";

let sample: SampleDashboard;
let dashboard: Dashboard;
const sockets: Socket[] = [];

beforeEach(async () => {
  sample = sampleDashboard();
  dashboard = await startDashboard({ ...sample.options, address: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await dashboard.close();
  sample.close();
});

const healthy = async () => (await fetch(`http://127.0.0.1:${dashboard.port}/healthz`)).status;

/** A socket that sends `text`, and what became of it: the whole answer, or how it ended. */
function open(text = ""): { socket: Socket; closed: Promise<string> } {
  const socket = connect(dashboard.port, "127.0.0.1", () => socket.write(text));
  sockets.push(socket);
  const closed = new Promise<string>((resolve) => {
    let got = "";
    socket.on("data", (chunk) => {
      got += chunk.toString();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(got || String(error.code)));
    socket.on("close", () => resolve(got || "closed"));
  });
  return { socket, closed };
}

test("F6 of 1,000 idle sockets those past the limit are closed, the others when they stay idle, and memory stays", async () => {
  const before = process.memoryUsage().rss;
  let gone = 0;
  const all = Array.from({ length: 1000 }, () => {
    const one = open();
    void one.closed.then(() => {
      gone += 1;
    });
    return one;
  });
  await expect.poll(() => gone, { timeout: 120_000 }).toBeGreaterThanOrEqual(700);
  await Promise.all(all.map(({ closed }) => closed));
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  expect(await healthy()).toBe(200);
}, 300_000);

test("F6 who asks on and on without reading is cut off, long before the answers fill the memory", async () => {
  const one = `GET /app.js HTTP/1.1\r\nHost: 127.0.0.1:${dashboard.port}\r\n\r\n`;
  const many = one.repeat(Math.floor(65_536 / one.length));
  const all = Array.from({ length: 40 }, () => {
    const opened = open(many);
    // Nothing is read before the server answered somebody else.
    opened.socket.pause();
    return opened;
  });
  await expect
    .poll(() => all.every(({ socket }) => socket.bytesWritten >= many.length), { timeout: 120_000 })
    .toBe(true);
  expect(await healthy()).toBe(200);
  for (const { socket } of all) socket.resume();
  const answers = (await Promise.all(all.map(({ closed }) => closed))).map(
    (got) => got.split("HTTP/1.1 200").length - 1,
  );
  // Two are owed at most; what comes in several pieces may get two for each.
  expect(Math.max(...answers)).toBeLessThan(20);
  expect(await healthy()).toBe(200);
}, 300_000);

test("F6 large headers and bodies are refused before they are read", async () => {
  expect(await open(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(10_000)}\r\n\r\n`).closed).toContain("431");
  const refused = await new Promise<number>((resolve, reject) => {
    const request = httpRequest(
      {
        port: dashboard.port,
        host: "127.0.0.1",
        path: "/login",
        method: "POST",
        headers: { "content-length": 10_000_000, origin: `http://127.0.0.1:${dashboard.port}` },
      },
      (response) => {
        resolve(response.statusCode!);
        request.destroy();
      },
    );
    request.on("error", reject);
    request.write("token=");
  });
  expect(refused).toBe(413);
  expect(await healthy()).toBe(200);
});

test("F6 who sends headers or a body byte by byte is cut off", async () => {
  const form = `POST /login HTTP/1.1\r\nHost: 127.0.0.1:${dashboard.port}\r\nOrigin: http://127.0.0.1:${dashboard.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n`;
  const slow = [open("GET / HTTP/1.1\r\nHost: x\r\nX: "), open(form)];
  const drip = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write("x");
  }, 1000);
  const ends = await Promise.all(slow.map(({ closed }) => closed));
  clearInterval(drip);
  expect(ends).toEqual([
    expect.stringMatching(/408|closed|ECONNRESET/),
    expect.stringMatching(/408|closed|ECONNRESET/),
  ]);
  expect(await healthy()).toBe(200);
}, 300_000);
