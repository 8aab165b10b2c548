import { rmSync } from "node:fs";
import { runtime } from "@pulumi/pulumi";
import { afterAll, expect, it } from "vitest";
import { OlympusError } from "../src/base/errors.ts";
import type { ApplyRolesOptions, RoleRunResult } from "../src/converge/run.ts";
import { changedTeam, labTeam } from "../test/support/team.ts";
import { rolesWithMachines } from "./roles.ts";

await runtime.setMocks({
  newResource: ({ name, inputs }) => ({ id: name, state: inputs as Record<string, unknown> }),
  call: ({ inputs }) => inputs as Record<string, unknown>,
});
const { team: lab, secrets, folder } = await labTeam();
afterAll(() => rmSync(folder, { recursive: true }));
const asking = changedTeam(lab, (file) => {
  file.policy.rolesWithMachines = true;
});

/** Plays the engine: notes what it was asked, and has each host end as told. */
function engine(errors: Readonly<Record<string, `E-${string}`>> = {}) {
  const asked: ApplyRolesOptions[] = [];
  const apply = async (options: ApplyRolesOptions): Promise<RoleRunResult> => {
    asked.push(options);
    const hosts = options.hosts.map((host) => {
      const error = errors[host] === undefined ? {} : { error: new OlympusError("no", { code: errors[host] }) };
      return { host, state: "changed" as const, lines: [], looked: 1, changed: 1, kept: [], ms: 1, ...error };
    });
    return { changed: 1, hosts, errors: hosts.flatMap(({ error }) => error ?? []) };
  };
  return { asked, apply };
}

it("does nothing unless the team file asks for it", async () => {
  const { asked, apply } = engine();
  expect(await rolesWithMachines(lab, secrets, ["athena"], apply)).toEqual([]);
  expect(asked).toEqual([]);
});

it("sets up the roles of the stack's own machines, and no others", async () => {
  const { asked, apply } = engine();
  expect(await rolesWithMachines(asking, secrets, ["athena"], apply)).toEqual([]);
  expect(asked.map(({ action, hosts, roles }) => [action, hosts, roles])).toEqual([["setup", ["athena"], undefined]]);
});

it("fails with what failed, but leaves to the deployment what that must make first", async () => {
  const names = lab.machines.map(({ name }) => name);
  const { apply } = engine({ athena: "E-SECRET-MISSING", agora: "E-ROLE-APPLY" });
  const failures = await rolesWithMachines(asking, secrets, names, apply);
  expect(failures.map(({ code }) => code)).toEqual(["E-ROLE-APPLY"]);
});
