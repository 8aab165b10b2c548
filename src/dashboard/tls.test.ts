/** The dashboard over TLS, on a port: what browsers and programs get, and what they do not. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeAuthority, makeServerCertificate } from "../../test/support/certificates.ts";
import { adminToken, type SampleDashboard, sampleDashboard } from "../../test/support/dashboard.ts";
import { Secret } from "../base/secret.ts";
import { tlsOf } from "../harness/tls.ts";
import { type Dashboard, startDashboard } from "./server.ts";

const authority = makeAuthority("Olympus authority of lab");
const own = makeServerCertificate(authority, ["127.0.0.1"], ["athena"]);
const tls = { certificate: own.certificate, key: new Secret("key", own.key) };

let sample: SampleDashboard;
let dashboard: Dashboard;
const sockets: Socket[] = [];
beforeEach(async () => {
  sample = sampleDashboard();
  dashboard = await startDashboard({ ...sample.options, address: "127.0.0.1", port: 0, tls });
});
afterEach(async () => {
  await dashboard.close();
  sample.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** One request as text, over a connection that trusts `ca`: the whole answer, or what kept it from being given. */
function ask(head: string, ca = authority.certificate, body = ""): Promise<string> {
  const { port } = dashboard;
  return new Promise((resolve) => {
    let got = "";
    const socket = connect({ host: "127.0.0.1", port, ca }, () => {
      socket.write(`${head} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n`);
      socket.write(`Authorization: Bearer ${adminToken}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    socket.on("data", (chunk) => {
      got += chunk.toString();
    });
    socket.once("error", ({ message }) => resolve(message));
    socket.once("end", () => resolve(got));
  });
}

test("who trusts the authority reads it, who trusts another is refused, and plain HTTP gets nothing", async () => {
  expect(await ask("GET /api/status")).toMatch(/^HTTP\/1.1 200 /);
  expect(await ask("GET /api/status", makeAuthority("other").certificate)).toMatch(
    /unable to verify|self.signed|signature failure/,
  );
  const plain = fetch(`http://127.0.0.1:${dashboard.port}/healthz`);
  await expect(plain).rejects.toThrow();
});

test("F2 the cookie never leaves in the open, and a page served in the open is foreign", async () => {
  const { port } = dashboard;
  const form = `token=${adminToken}&person=alice`;
  const login = (origin: string) =>
    ask(
      `POST /login HTTP/1.1\r\nOrigin: ${origin}\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Rest:`,
      undefined,
      form,
    );
  expect(await login(`http://127.0.0.1:${port}`)).toMatch(/^HTTP\/1.1 403 /);
  const done = await login(`https://127.0.0.1:${port}`);
  expect(done).toMatch(/^HTTP\/1.1 303 /);
  expect(done).toMatch(/set-cookie: olympus-athena=[\w-]{32}; Path=\/; HttpOnly; Secure; SameSite=Strict/i);
});

test("F6 sockets that never say hello keep nobody waiting, not even its end", async () => {
  for (let n = 0; n < 20; n++) sockets.push(connectTcp(dashboard.port, "127.0.0.1").on("error", () => undefined));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  expect(await ask("GET /healthz")).toMatch(/^HTTP\/1.1 200 /);
  // At once: well within the ten seconds that a hello may take.
  const began = performance.now();
  await dashboard.close();
  expect(performance.now() - began).toBeLessThan(8_000);
});

test("a key that is not the certificate's is told at start, and at a reload before anything is stopped", () => {
  const other = new Secret("key", makeServerCertificate(authority, ["127.0.0.1"], []).key);
  const listen = { address: "127.0.0.1", port: 1, tokenFile: "t", hosts: [] };
  const given = { ...listen, tls: { certificate: own.certificate, keyFile: "k" } };
  expect(tlsOf(listen, () => other)).toBeUndefined();
  expect(tlsOf(given, () => tls.key)).toEqual(tls);
  expect(() => tlsOf(given, () => other)).toThrow(expect.objectContaining({ code: "E-AGENT-TLS" }));
});
