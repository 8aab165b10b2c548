import { join } from "node:path";
import { expect, it, vi } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { silentReporter } from "../base/report.ts";
import type { HostResult } from "../converge/run.ts";
import { loadTeam } from "../team/load.ts";
import { type DeployOptions, type DeployResult, type DeploySteps, deploy } from "./deploy.ts";

const team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
const hostKey = new OlympusError("r720xd shows another host key", { code: "E-HOSTKEY", exit: 5 });
const notReady = new OlympusError("agents are not ready", { code: "E-AGENT-READY", exit: 2 });
const chatDown = new OlympusError("the chat does not answer", { code: "E-CHAT-DOWN", exit: 4 });
const roleFailed = new OlympusError("no space", { code: "E-ROLE-SPACE", exit: 2 });

/** Steps that find everything as wished, and what they were asked for. */
function played(changes: Partial<DeploySteps> = {}) {
  const steps = {
    bringUp: vi.fn<DeploySteps["bringUp"]>(async () => ({ stacks: [], changed: 0, errors: [], failed: [] })),
    applyRoles: vi.fn<DeploySteps["applyRoles"]>(async ({ hosts }) => rolesOn(hosts)),
    bootstrap: vi.fn<DeploySteps["bootstrap"]>(async () => ({ changed: 0, given: [], pending: [] })),
    waitUntilReady: vi.fn<DeploySteps["waitUntilReady"]>(async () => undefined),
    remember: vi.fn<DeploySteps["remember"]>(async () => undefined),
  };
  return Object.assign(steps, changes) as typeof steps;
}

const rolesOn = (
  hosts: readonly string[],
  failed: readonly string[] = [],
): Awaited<ReturnType<DeploySteps["applyRoles"]>> => ({
  changed: 0,
  hosts: hosts.map(
    (host): HostResult => ({
      ...{ host, lines: [], looked: 1, changed: 0, kept: [], ms: 1 },
      state: failed.includes(host) ? "failed" : "as-wished",
    }),
  ),
  errors: failed.some((name) => hosts.includes(name)) ? [roleFailed] : [],
});

async function run(steps: DeploySteps, options: Partial<DeployOptions> = {}) {
  const reporter = silentReporter();
  const { signal } = new AbortController();
  const base = { team, secrets: {} as SecretStore, reporter, signal };
  const outcome = await deploy({ ...base, ...options }, steps).then(
    (result: DeployResult) => ({ result, error: undefined }),
    (error: unknown) => ({ result: undefined, error }),
  );
  return { ...outcome, lines: reporter.lines };
}

it("goes through all steps in order, and says that nothing changed", async () => {
  const steps = played();
  const { result, lines } = await run(steps);
  expect(result?.changed).toBe(0);
  expect(lines).toEqual([
    "machines as they were",
    "roles as they were",
    "chat as it was",
    "agents as they were",
    "probe ready: athena",
  ]);
  expect(steps.applyRoles.mock.calls.map(([{ hosts, roles }]) => [hosts, roles])).toEqual([
    [["agora"], undefined],
    [["athena"], ["base", "node"]],
    [["athena"], undefined],
  ]);
});

it("says why the chat's hypervisor failed, with its exit code, and waits for no chat", async () => {
  const steps = played({
    bringUp: async () => ({ stacks: [], changed: 0, errors: [hostKey], failed: ["agora"] }),
  });
  const { error, lines } = await run(steps);
  expect(error).toMatchObject({ errors: [hostKey], exit: 5 });
  expect(lines).toEqual(["machines nothing changed; failed: agora", "roles nothing changed; left out: agora"]);
  expect(steps.bootstrap).not.toHaveBeenCalled();
  // The agent's machine stands: what can be done there is done.
  expect(steps.applyRoles.mock.calls.map(([{ hosts }]) => hosts)).toEqual([["athena"]]);
});

it.each([
  ["the chat", { bootstrap: async () => Promise.reject(chatDown) }, chatDown],
  ["the probe", { waitUntilReady: async () => Promise.reject(notReady) }, notReady],
])("an error of %s hides none that came before", async (_what, broken, last) => {
  const up = async () => ({ stacks: [], changed: 0, errors: [hostKey], failed: [] });
  expect((await run(played({ bringUp: up, ...broken }))).error).toMatchObject({ errors: [hostKey, last], exit: 5 });
  // Alone, it stays what it is.
  expect((await run(played(broken))).error).toBe(last);
});

it("a fault that nobody foresaw stands beside them too", async () => {
  const steps = played({
    bringUp: async () => ({ stacks: [], changed: 0, errors: [hostKey], failed: [] }),
    bootstrap: async () => Promise.reject(new TypeError("x is not a function")),
  });
  expect((await run(steps)).error).toMatchObject({
    errors: [hostKey, { code: "E-BUG", message: "x is not a function" }],
  });
});

it("an agent that fails is left out from then on, and told at the end", async () => {
  const steps = played();
  steps.applyRoles.mockImplementation(async ({ hosts }) => rolesOn(hosts, ["athena"]));
  const { error, lines } = await run(steps);
  expect(error).toMatchObject({ errors: [roleFailed], exit: 2 });
  expect(lines).toEqual([
    "machines as they were",
    "roles nothing changed; failed: athena",
    "chat as it was",
    "agents nothing changed; left out: athena",
    "probe no agent to ask",
  ]);
});

it("a service that fails ends it, with each error once", async () => {
  const steps = played({
    bringUp: async () => ({ stacks: [], changed: 0, errors: [hostKey], failed: ["athena"] }),
    applyRoles: async ({ hosts }) => rolesOn(hosts, ["agora"]),
  });
  expect((await run(steps)).error).toMatchObject({ errors: [hostKey, roleFailed], exit: 5 });
  expect(steps.bootstrap).not.toHaveBeenCalled();
});

it("works on the machines that are named, on their hypervisors", async () => {
  const steps = played();
  await run(steps, { hosts: ["athena"] });
  expect(steps.bringUp).toHaveBeenCalledWith(expect.objectContaining({ hypervisors: ["r420"], only: ["athena"] }));
  expect(steps.applyRoles.mock.calls.map(([{ hosts }]) => hosts)).toEqual([["athena"], ["athena"]]);
});

it("without names leaves no machine out", async () => {
  const steps = played();
  await run(steps);
  expect(steps.bringUp.mock.calls[0]![0].only).toBeUndefined();
});

it("an interruption is an interruption, whatever failed before", async () => {
  const interruption = new AbortController();
  const steps = played({
    bringUp: async () => ({ stacks: [], changed: 0, errors: [hostKey], failed: [] }),
    bootstrap: async () => {
      interruption.abort();
      throw chatDown;
    },
  });
  expect((await run(steps, { signal: interruption.signal })).error).toMatchObject({ name: "AbortError" });
});

it("is remembered as one command, with how each host was left", async () => {
  const steps = played();
  steps.applyRoles.mockImplementation(async ({ hosts, roles }) => {
    const result = rolesOn(hosts);
    for (const host of roles === undefined ? [] : result.hosts) Object.assign(host, { state: "changed", changed: 2 });
    return result;
  });
  await run(steps, { what: "quickstart" });
  expect(steps.remember.mock.calls).toEqual([["lab", expect.objectContaining({ what: "quickstart", exit: 0 })]]);
  expect(steps.remember.mock.calls[0]![1].hosts).toEqual([
    { host: "agora", state: "as-wished", changed: 0, pending: 0 },
    { host: "athena", state: "changed", changed: 2, pending: 0 },
  ]);
});

it("is remembered when it failed, for @failed, and not when no role was tried", async () => {
  const steps = played({ applyRoles: async ({ hosts }) => rolesOn(hosts, ["agora"]) });
  await run(steps);
  const record = steps.remember.mock.calls[0]![1];
  expect(record).toMatchObject({ what: "deploy", exit: 2 });
  expect(record.hosts).toContainEqual(expect.objectContaining({ host: "agora", state: "failed" }));
  const down = played({ bringUp: async () => Promise.reject(hostKey) });
  await run(down);
  expect(down.remember).not.toHaveBeenCalled();
});
