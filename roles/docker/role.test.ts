import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RoleContext } from "../../src/converge/types.ts";
import type { Host } from "../../src/team/hosts.ts";
import { startPublisher, whole } from "../../test/support/publisher.ts";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { role } from "./role.ts";
import { dockerSource } from "./source.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

const { signal } = new AbortController();

async function inputs(params: object, roles: object = {}) {
  const warnings: string[] = [];
  const team = {
    network: { cidr: "10.220.1.0/24", admin: ["192.168.7.0/24"] },
    hypervisors: {},
    people: { mara: { keys: ["ssh-ed25519 AAAA mara"] }, olaf: { keys: [] } },
  };
  const host = { name: "athena", kind: "agent", user: "agent", roles, machine: { image: "plan9" } };
  const context = { team: { team }, host, reporter: { warn: (line: string) => warnings.push(line) }, signal };
  const wished = role.params.parse({ source: "registries", ...params });
  return { made: await role.inputs(context as unknown as RoleContext, wished), warnings };
}

test("members are warned of: whoever uses Docker is root; programs and strangers are refused", async () => {
  const { made, warnings } = await inputs({ members: ["agent", "mara"] });
  expect(made).toEqual({ packages: undefined, networks: ["192.168.7.0/24", "10.220.1.0/24"] });
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(/^athena: agent may use Docker, and is root there/);
  expect((await inputs({})).warnings).toEqual([]);
  for (const name of ["olympus", "olaf", "nobody"]) {
    await expect(inputs({ members: [name] })).rejects.toMatchObject({
      code: "E-DOCKER-PARAMS",
      message: expect.stringContaining(name),
      hint: expect.stringContaining("agent, mara"),
    });
  }
});

test("where the role firewall is, published ports are its business", async () => {
  expect((await inputs({}, { firewall: {} })).made).toEqual({ packages: undefined, networks: undefined });
});

test("containers' networks that are the team's, and words that are none, are refused", async () => {
  await expect(inputs({ addresses: "10.220.0.0/16" })).rejects.toMatchObject({ code: "E-DOCKER-PARAMS" });
  for (const params of [{ addresses: "172.28.0.0" }, { publish: "everywhere" }, { member: [] }, { source: "snap" }]) {
    expect(role.params.safeParse(params).success).toBe(false);
  }
  await expect(inputs({ source: "official" })).rejects.toMatchObject({ code: "E-DOCKER-RELEASE" });
});

test("the key of Docker's packages is fetched once to learn its checksum", async () => {
  await using publisher = await startPublisher();
  publisher.routes.set("/linux/debian/gpg", [whole("a key"), whole("another key")]);
  const folder = mkdtempSync(join(tmpdir(), "olympus-docker-"));
  const file = join(folder, "docker.lock.json");
  const url = `${publisher.url}/linux/debian/gpg`;
  writeFileSync(file, JSON.stringify({ key: { url } }));
  const host = { name: "athena", machine: { image: "ubuntu-24.04" } } as unknown as Host;
  const source = await dockerSource(host, signal, file);
  expect(source).toMatchObject({ distribution: "ubuntu", release: "noble", key: { url } });
  expect(await dockerSource(host, signal, file)).toEqual(source);
  expect(publisher.requests).toHaveLength(1);
  rmSync(folder, { recursive: true });
});
