import { X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { makeAuthority, makeServerCertificate, stillGood } from "./authority.ts";

const authority = makeAuthority("authority of this test alone");
const leaf = makeServerCertificate(authority, ["127.0.0.1"], ["agora.internal", "agora"]);

test("a server's certificate holds for its names and addresses, and for a year", () => {
  const certificate = new X509Certificate(leaf.certificate);
  expect(certificate.subjectAltName).toBe("DNS:agora.internal, DNS:agora, IP Address:127.0.0.1");
  expect(certificate.checkIssued(new X509Certificate(authority.certificate))).toBe(true);
  expect(new X509Certificate(authority.certificate).ca).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(stillGood(leaf.certificate, authority.certificate, ["127.0.0.1"], ["agora"])).toBe(true);
  expect(stillGood(leaf.certificate, authority.certificate, ["10.0.0.1"], [])).toBe(false);
  expect(stillGood(leaf.certificate, makeAuthority("other").certificate, ["127.0.0.1"], [])).toBe(false);
});

test("who trusts the authority reaches the server, who does not is refused", async () => {
  const server = createServer({ cert: leaf.certificate, key: leaf.key }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  const reach = (ca: string, servername?: string): Promise<string> =>
    new Promise((done) => {
      const socket = connect({ host: "127.0.0.1", port, ca, ...(servername && { servername }) }, () => {
        socket.destroy();
        done("reached");
      });
      socket.on("error", ({ message }) => done(message));
    });
  expect(await reach(authority.certificate)).toBe("reached");
  expect(await reach(authority.certificate, "agora.internal")).toBe("reached");
  expect(await reach(authority.certificate, "elsewhere.internal")).toContain("does not match");
  expect(await reach(makeAuthority("other").certificate)).toMatch(/unable to verify|self.signed/);
  await new Promise((done) => server.close(done));
});
