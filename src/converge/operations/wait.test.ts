import { execFile } from "node:child_process";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeAuthority, makeServerCertificate } from "../../../secrets/authority.ts";
import { wait } from "./wait.ts";

const authority = makeAuthority("of a team");
const shown = makeServerCertificate(authority, ["127.0.0.1"], ["athena"]);
let server: Server;
beforeAll(async () => {
  server = createServer({ cert: shown.certificate, key: shown.key }, (_, response) => response.end("{}"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

async function answers(certificate: string): Promise<boolean> {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`;
  const [fact] = wait.needs({ kind: "wait", id: "w", url, certificate });
  if (fact?.fact !== "command") throw new Error("it asks for something else");
  const { script } = fact;
  return promisify(execFile)("sh", ["-euc", script]).then(
    () => true,
    () => false,
  );
}

test("over TLS a server answers only with the certificate that it is to show, or one by it", async () => {
  expect(await answers(shown.certificate)).toBe(true);
  expect(await answers(authority.certificate)).toBe(true);
  expect(await answers(makeServerCertificate(authority, ["127.0.0.1"], ["athena"]).certificate)).toBe(false);
  expect(await answers(makeAuthority("other").certificate)).toBe(false);
});
