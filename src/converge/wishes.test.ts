import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { labTeam } from "../../test/support/team.ts";
import { projectRoot } from "../base/paths.ts";
import { silentReporter } from "../base/report.ts";
import { listHosts } from "../team/hosts.ts";
import { parseTeam } from "../team/load.ts";
import { type Catalogue, projectCatalogue } from "./catalogue.ts";
import type { JournalEntry } from "./change.ts";
import { applyRoles } from "./run.ts";
import { defineRole, type Requirement, type Role } from "./types.ts";
import { orderRoles, wishesOf } from "./wishes.ts";

/** Hosts and their roles in the order in which something was undone on them. */
const undone: string[] = [];

// The two hosts of a reset: each has one thing of a role, and takes longer the earlier it should come.
vi.mock("./host-run.ts", () => ({
  createHostRun: ({ host }: { host: string }) => ({
    prepareReset: async () => {
      const entry = { role: "r", resource: "path:/f", undo: { do: "remove" } } as unknown as JournalEntry;
      return {
        plan: { undo: [entry], keep: [], rest: [], keepPackages: [] },
        present: [],
        absent: ["github"],
        perform: async () => {
          undone.push(`${host} begins`);
          await new Promise((resolve) => setTimeout(resolve, host === "athena" ? 50 : 1));
          undone.push(`${host} ends`);
          return [];
        },
      };
    },
    prepareRollback: async () => ({
      plan: { undo: [], keep: [], rest: [], keepPackages: [] },
      present: [],
      absent: [],
      undoneRun: { what: "role setup all", who: "kim@laptop", since: 1, secondsAgo: 2 },
      perform: async () => [],
    }),
    close: () => undefined,
  }),
}));
vi.mock("./undo.ts", () => ({ describeUndo: () => "/f: remove" }));

const { team, secrets, folder } = await labTeam();
afterAll(() => rmSync(folder, { recursive: true }));
const hosts = listHosts(team);
const athena = hosts.find(({ name }) => name === "athena")!;

/** `a: ["b", "c@team"]`: the role a needs b on its host and c on some host of the team. */
function catalogueOf(needs: Readonly<Record<string, readonly string[]>>): Catalogue {
  const requirement = (text: string): Requirement => {
    const [role, on] = text.split("@");
    return { role: role!, on: on === "team" ? "team" : "host" };
  };
  return {
    names: () => Object.keys(needs),
    load: async (name): Promise<Role> =>
      defineRole({
        name,
        summary: "",
        requires: needs[name]!.map(requirement),
        params: z.unknown(),
        inputs: () => undefined,
        setup: () => [],
      }),
  };
}

/** Names in the order in which a host with these roles gets them. */
async function order(needs: Readonly<Record<string, readonly string[]>>, own: readonly string[], wanted?: string[]) {
  const host = { ...athena, roles: Object.fromEntries(own.map((name) => [name, {}])) };
  return (await orderRoles(host, [host], wanted, catalogueOf(needs))).map(({ name }) => name);
}

describe("a host's roles", () => {
  const needs = { base: [], store: [], chat: ["store"], agent: ["chat", "tools"], tools: ["base"] };

  it.each([
    [["agent", "chat", "store", "tools", "base"]],
    [["store", "tools", "base", "chat", "agent"]],
    [["chat", "agent", "tools", "base", "store"]],
  ])("come after what they need on the host, base first, however they are written: %j", async (own) => {
    const names = await order(needs, own);
    expect(names[0]).toBe("base");
    for (const [role, before] of Object.entries(needs))
      for (const needed of before) expect(names.indexOf(needed)).toBeLessThan(names.indexOf(role));
    expect(names.toSorted()).toEqual(Object.keys(needs).sort());
  });

  it("bring those that they need, and no others", async () => {
    expect(await order(needs, Object.keys(needs), ["chat"])).toEqual(["store", "chat"]);
  });

  it("need what another host may have, or this one", async () => {
    const elsewhere = { a: ["b@team"], b: [] };
    expect(await order(elsewhere, ["a", "b"])).toEqual(["a", "b"]);
    await expect(order(elsewhere, ["a"])).rejects.toMatchObject({
      code: "E-ROLE-REQUIRES",
      message: "athena: a needs b on some host of the team.",
    });
  });

  it.each([
    ["what they need is not there", { a: ["b"], b: [] }, ["a"], "athena: a needs b on the same host."],
    [
      "they need one another",
      { a: ["b"], b: ["c"], c: ["a"] },
      ["a", "b", "c"],
      "athena: roles need one another: a -> b -> c -> a.",
    ],
  ] as const)("are refused where %s", async (_what, all, own, message) => {
    await expect(order(all, own)).rejects.toMatchObject({ code: "E-ROLE-REQUIRES", exit: 1, where: "athena", message });
  });

  it("are refused where the host does not carry one, with those that it carries", async () => {
    await expect(order(needs, ["base", "tools"], ["chat"])).rejects.toMatchObject({
      code: "E-ROLE-HOST",
      exit: 1,
      message: "athena does not have the role chat.",
      hint: expect.stringContaining("It has: base, tools. "),
    });
  });

  it("of the project need nobody in a circle, and nothing that there is not", async () => {
    const catalogue = projectCatalogue();
    const host = { ...athena, roles: Object.fromEntries(catalogue.names().map((name) => [name, {}])) };
    expect(await orderRoles(host, [host], undefined, catalogue)).toHaveLength(catalogue.names().length);
  });
});

describe("a role's parameters", () => {
  const text = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");

  it.each([
    ["that it does not know", "{ lines: 5 }", /^athena: unknown key "lines" in the role backup$/],
    ["of another type", "{ keepDays: soon }", /^athena: keepDays must be a number, not "soon"$/],
  ])("%s are refused with line, column and text of the team file", async (_what, written, message) => {
    const changed = text.replace(/^( {2}athena:\n)/m, `$1    roles: { probe: ${written} }\n`);
    const line = changed.split("\n").findIndex((one) => one.includes("probe:")) + 1;
    // The line is of the role, whichever it is; a name that there is no role of is another check's.
    const loaded = parseTeam(changed.replace("probe:", "backup:"), team.file);
    const role = defineRole({
      name: "backup",
      summary: "",
      requires: [],
      params: z.strictObject({ keepDays: z.number().default(7) }),
      inputs: () => expect.unreachable(),
      setup: () => [],
    });
    const host = listHosts(loaded).find(({ name }) => name === "athena")!;
    const context = {
      team: loaded,
      host,
      hosts,
      secrets,
      reporter: silentReporter(),
      signal: AbortSignal.timeout(9e4),
    };
    const error = await wishesOf([role as Role], context).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "E-ROLE-PARAMS", exit: 1, message: expect.stringMatching(message) });
    expect(error).toMatchObject({
      where: expect.stringMatching(new RegExp(`team\\.yaml:${line}:\\d+$`)),
      excerpt: expect.stringMatching(/roles: \{ backup: .*\n +\| +\^+$/),
    });
  });
});

it("a reset goes through hosts in the reverse order: what needs another host first, and that one when it has ended", async () => {
  const needs = catalogueOf({ mattermost: [], agent: ["mattermost@team"] });
  const result = await applyRoles({
    team,
    secrets,
    action: "reset",
    hosts: ["agora", "athena"],
    reporter: silentReporter(),
    signal: new AbortController().signal,
    catalogue: needs,
  });
  expect(result.errors).toEqual([]);
  expect(result.hosts.map(({ absent }) => absent)).toEqual([["github"], ["github"]]);
  expect(undone).toEqual(["athena begins", "athena ends", "agora begins", "agora ends"]);
});

it("a rollback gives each host's run that it undoes", async () => {
  const { hosts: results } = await applyRoles({
    team,
    secrets,
    action: "rollback",
    hosts: ["athena"],
    reporter: silentReporter(),
    signal: new AbortController().signal,
  });
  expect(results).toMatchObject([{ undoneRun: { what: "role setup all", who: "kim@laptop" } }]);
});
