import { X509Certificate } from "node:crypto";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeAuthority, makeServerCertificate } from "../../secrets/authority.ts";
import { openSecrets, type SecretStore } from "../../secrets/store.ts";
import { silentReporter } from "../../src/base/report.ts";
import { Secret } from "../../src/base/secret.ts";
import type { FileOperation, UnitOperation, WaitOperation } from "../../src/converge/operations.ts";
import { listHosts } from "../../src/team/hosts.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { labTeam } from "../../test/support/team.ts";
import { type AgentInputs, role } from "./role.ts";
import { dashboardTls } from "./tls.ts";

let team: LoadedTeam;
let secrets: SecretStore;
let folder = "";
const warned: string[] = [];
beforeAll(async () => {
  ({ team, secrets, folder } = await labTeam());
  for (const path of ["mattermost.bots.athena.token", "mattermost.bots.athena.id"]) secrets.set(path, path);
});
afterAll(() => rmSync(folder, { recursive: true }));

const contextOf = (of: LoadedTeam = team, tls?: unknown) => {
  const machines = of.machines.map((machine) => ({
    ...machine,
    roles: { ...machine.roles, ...(machine.agent && tls !== undefined ? { agent: { tls } } : {}) },
  }));
  const withTls = { ...of, machines };
  const hosts = listHosts(withTls);
  return {
    team: withTls,
    host: hosts.find(({ name }) => name === "athena")!,
    hosts,
    secrets,
    reporter: { ...silentReporter(), warn: (line: string) => void warned.push(line) },
    signal: new AbortController().signal,
  };
};
const reals = (): LoadedTeam => ({ ...team, team: { ...team.team, lab: undefined } });

test("by the team's authority: made once, kept among the secrets, for the address and every name that browsers use", async () => {
  const made = await dashboardTls("team-ca", true, contextOf());
  const certificate = new X509Certificate(made!.certificate);
  expect(certificate.subjectAltName).toBe(
    "DNS:athena.lab.internal, DNS:athena, DNS:localhost, IP Address:10.220.1.50, IP Address:127.0.0.1",
  );
  const authority = (await openSecrets(team)).require("tls.authority.certificate").reveal();
  expect(certificate.checkIssued(new X509Certificate(authority))).toBe(true);
  expect(await dashboardTls("team-ca", true, contextOf())).toEqual(made);
  // Another authority's, or one for other names, is made anew; so is one near its end, by the same rule.
  expect((await dashboardTls("team-ca", false, contextOf()))!.certificate).toBe(made!.certificate);
  const strange = makeServerCertificate(makeAuthority("other"), ["10.220.1.50"], ["athena"]);
  secrets.set("agents.athena.tls.certificate", strange.certificate);
  expect((await dashboardTls("team-ca", true, contextOf()))!.certificate).not.toBe(strange.certificate);
});

test("certificates of several agents made side by side are all kept", async () => {
  const { host, ...context } = contextOf();
  const names = ["a1", "a2", "a3", "a4", "a5"];
  await Promise.all(names.map((name) => dashboardTls("team-ca", false, { ...context, host: { ...host, name } })));
  const kept = (await openSecrets(team)).paths();
  expect(names.filter((name) => !kept.includes(`agents.${name}.tls.key`))).toEqual([]);
});

test("a given one is taken with its key, and one that cannot work is told before any host is asked", async () => {
  const authority = makeAuthority("elsewhere");
  const good = makeServerCertificate(authority, ["10.220.1.50"], ["athena.example"]);
  const given = (certificate: string) => dashboardTls({ certificate }, false, contextOf());
  secrets.delete("agents.athena.tls.key");
  await expect(given(good.certificate)).rejects.toMatchObject({
    code: "E-SECRET-MISSING",
    hint: "npx olympus secrets set agents.athena.tls.key",
  });
  secrets.set("agents.athena.tls.key", good.key);
  expect(await given(good.certificate)).toEqual({ certificate: good.certificate, key: expect.any(Secret) as Secret });
  const other = makeServerCertificate(authority, ["10.220.1.50"], []);
  await expect(given(other.certificate)).rejects.toMatchObject({ code: "E-AGENT-TLS", message: /is not for the key/ });
  const elsewhere = makeServerCertificate(authority, ["10.9.9.9"], ["athena"]);
  secrets.set("agents.athena.tls.key", elsewhere.key);
  await expect(given(elsewhere.certificate)).rejects.toMatchObject({ message: /does not name 10\.220\.1\.50/ });
  await expect(given("-----BEGIN CERTIFICATE-----\nx")).rejects.toMatchObject({ message: /cannot be read/ });
});

test("plain HTTP is warned of, but in the lab", async () => {
  expect(await dashboardTls("off", true, contextOf())).toBeUndefined();
  expect(warned).toEqual([]);
  expect(await dashboardTls("off", true, contextOf(reals()))).toBeUndefined();
  expect(warned).toEqual([expect.stringContaining("athena: the dashboard speaks plain HTTP")]);
});

test("the key reaches the unit as a credential alone; the role waits for just that certificate", async () => {
  const context = contextOf(team, "team-ca");
  const params = role.params.parse({ tls: "team-ca" });
  const operations = role.setup((await role.inputs(context, params)) as AgentInputs, params);
  const { certificate, key } = (await dashboardTls("team-ca", true, context))!;
  const holding = operations.filter((one) => JSON.stringify(one).includes(JSON.stringify(key.reveal()).slice(1, -1)));
  expect(holding).toEqual([]);
  const file = operations.find(({ id }) => id === "secret-dashboard-tls-key") as FileOperation;
  expect([file.mode, (file.content as Secret).reveal()]).toEqual(["0600", key.reveal()]);
  const unit = operations.find((one): one is UnitOperation => one.kind === "unit")!;
  expect(unit.content).toContain("LoadCredential=dashboard-tls-key:/etc/olympus/secrets/dashboard-tls-key");
  const wait = operations.find((one): one is WaitOperation => one.kind === "wait")!;
  expect(wait).toMatchObject({ url: "https://10.220.1.50:18789/healthz", certificate });
});
