import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import { expect } from "vitest";
import { z } from "zod";
import type { SecretStore } from "../../secrets/store.ts";
import { silentReporter } from "../../src/base/report.ts";
import { type Catalogue, projectCatalogue } from "../../src/converge/catalogue.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { type ApplyRolesOptions, applyRoles, type RoleRunResult } from "../../src/converge/run.ts";
import { defineRole, type Role } from "../../src/converge/types.ts";
import { type LabMachine, openThrowaway, type Throwaway } from "../../src/lab/index.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { Canaries, findSecrets } from "./leak-gate.ts";
import { labTeam } from "./team.ts";

const run = promisify(execFile);

/** A role as operations, or the project's own: with parameters as the team file would give them. */
type RoleText = readonly Operation[] | "real" | { readonly params: Readonly<Record<string, unknown>> };
export type RoleTexts = Readonly<Record<string, RoleText>>;

/** Lab machines that stand in for the VMs of a team, and roles given as plain operations. */
export interface RoleLab {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly lab: Throwaway;
  readonly machines: readonly LabMachine[];
  /**
   * Runs the role `probe` with these operations on the first machine, or roles by name; `"real"` is the project's own. The other
   * machines have the same roles in the team file, or `others`.
   */
  apply(
    action: ApplyRolesOptions["action"],
    operations: readonly Operation[] | RoleTexts,
    options?: Partial<ApplyRolesOptions> & { readonly others?: RoleTexts },
  ): Promise<RoleRunResult>;
  /** Runs a shell line on a machine as root, past SSH. Gives its stdout. */
  inside(script: string, machine?: number): Promise<string>;
  /** A power cut, and the machine starts again with what it had written. */
  restart(machine?: number): Promise<void>;
  /** Takes everything away. Throws when a secret stands in a log, a journal or a state where none is meant to be. */
  close(): Promise<void>;
}

/** The team's first machines, as many as asked for, as lab machines; `agent` logs in with the team's deploy key. */
export async function openRoleLab(count = 1): Promise<RoleLab> {
  const { team: lab, secrets, folder } = await labTeam();
  const throwaway = await openThrowaway({
    authorizedKeys: [secrets.require("ssh.deploy.public").reveal()],
    user: "agent",
  });
  const names = lab.machines.slice(0, count).map(({ name }) => name);
  const machines = await Promise.all(names.map((name) => throwaway.start(name)));
  for (const machine of machines) secrets.set(`hosts.${machine.name}.public`, machine.hostKey);

  type Params = Readonly<Record<string, Record<string, unknown>>>;
  const teamWith = (roles: Params, of: LoadedTeam = lab, others: Params = roles): LoadedTeam => ({
    ...of,
    machines: lab.machines
      .filter(({ name }) => names.includes(name))
      .map((machine) => ({
        ...machine,
        address: machines.find(({ name }) => name === machine.name)!.address,
        roles: machine.name === names[0] ? roles : others,
      })),
  });

  const canaries = new Canaries();
  return {
    team: teamWith({ probe: {} }),
    secrets,
    lab: throwaway,
    machines,
    async apply(action, operations, options = {}) {
      const byRole: RoleTexts = isList(operations) ? { probe: operations } : operations;
      canaries.add(secrets.all());
      canaries.addWithin(operations);
      return applyRoles({
        team: teamWith(paramsByRole(byRole), options.team, options.others && paramsByRole(options.others)),
        secrets,
        action,
        hosts: [names[0]!],
        reporter: silentReporter(),
        signal: new AbortController().signal,
        catalogue: catalogueOf(byRole),
        ...without(without(options, "team"), "others"),
      });
    },
    async inside(script, machine = 0) {
      const { pid } = machines[machine]!.init;
      const { stdout } = await run("nsenter", ["-t", String(pid), "-a", "/bin/sh", "-c", script]);
      return stdout;
    },
    async restart(machine = 0) {
      await throwaway.stop(names[machine]!);
      machines[machine] = await throwaway.start(names[machine]!);
    },
    async close() {
      canaries.add(secrets.all());
      try {
        expect(
          await findSecrets(canaries, machines, [folder]),
          "places with a secret that is not meant to be there",
        ).toEqual([]);
      } finally {
        await throwaway.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value;
  return rest;
}

const paramsByRole = (roles: RoleTexts) =>
  Object.fromEntries(Object.entries(roles).map(([name, one]) => [name, paramsOf(one)]));

function paramsOf(role: RoleText): Record<string, unknown> {
  return typeof role === "object" && "params" in role ? role.params : {};
}

function isList(value: readonly Operation[] | RoleTexts): value is readonly Operation[] {
  return Array.isArray(value);
}

function catalogueOf(roles: RoleTexts): Catalogue {
  const project = projectCatalogue();
  return {
    names: () => Object.keys(roles),
    async load(name): Promise<Role> {
      const operations = roles[name];
      if (operations === undefined || operations === "real" || "params" in operations) return project.load(name);
      const replaces = project.names().includes(name) ? (await project.load(name)).replaces : undefined;
      return defineRole({
        name,
        ...(replaces === undefined ? {} : { replaces }),
        summary: `for a test: ${name}`,
        requires: [],
        params: z.strictObject({}),
        inputs: () => undefined,
        setup: () => [...operations],
      });
    },
  };
}
