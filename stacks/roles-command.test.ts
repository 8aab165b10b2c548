import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CustomResource, runtime } from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, it } from "vitest";
import { labTeam } from "../test/support/team.ts";
import { commandPlugin, LocalCommand, rolesCommand } from "./roles-command.ts";

// The plugin is played: what it would be asked for.
const asked: { readonly type: string; readonly name: string; readonly inputs: Record<string, unknown> }[] = [];
let lab: Awaited<ReturnType<typeof labTeam>>;

beforeAll(async () => {
  await runtime.setMocks({
    newResource({ type, name, inputs }) {
      asked.push({ type, name, inputs: inputs as Record<string, unknown> });
      return { id: `id of ${name}`, state: inputs as Record<string, unknown> };
    },
    call: ({ inputs }) => inputs as Record<string, unknown>,
  });
  lab = await labTeam();
});
afterAll(() => rmSync(lab.folder, { recursive: true }));

async function register(domain: CustomResource) {
  const { team, secrets } = lab;
  const made = rolesCommand({
    team,
    secrets,
    stack: "r420",
    machines: ["athena", "it's"],
    domains: [domain],
    version: "1.0.1",
  });
  await new Promise((done) => made.urn.apply(done));
  return asked.at(-1)!;
}

it("is one command, done again for another team file, secret or machine, with nothing secret in the stack's state", async () => {
  const domain = new LocalCommand("athena", { create: "true", triggers: [], logging: "stderr" }, {});
  const first = await register(domain);
  expect(first).toMatchObject({
    type: "command:local:Command",
    name: "r420-roles",
    inputs: {
      create: expect.stringMatching(/\/stacks\/roles-main\.ts athena 'it'\\''s'$/),
      triggers: [expect.stringMatching(/^[0-9a-f]{64}$/), "id of athena"],
    },
  });
  expect((await register(domain)).inputs).toEqual(first.inputs);
  const value = lab.secrets.require("agents.athena.dashboard").reveal();
  expect(JSON.stringify(asked)).not.toContain(value);
  lab.secrets.set("agents.athena.dashboard", `${value}x`);
  expect((await register(domain)).inputs.triggers).not.toEqual(first.inputs.triggers);
  lab.secrets.set("agents.athena.dashboard", value);
  expect((await register(domain)).inputs).toEqual(first.inputs);
  const other = new LocalCommand("athena-again", { create: "true", triggers: [], logging: "stderr" }, {});
  expect((await register(other)).inputs.triggers).not.toEqual(first.inputs.triggers);
});

it("is used where its plugin is installed, in the newest version there; nothing is fetched for it", () => {
  const home = mkdtempSync(join(tmpdir(), "olympus-plugins-"));
  expect(commandPlugin(home)).toBeUndefined();
  for (const name of ["resource-libvirt-v9.0.0", "resource-command-v1.0.10.lock"]) {
    mkdirSync(join(home, "plugins", name), { recursive: true });
  }
  expect(commandPlugin(home)).toBeUndefined();
  for (const version of ["1.0.9", "1.0.10", "0.11.1"]) mkdirSync(join(home, "plugins", `resource-command-v${version}`));
  expect(commandPlugin(home)).toBe("1.0.10");
  rmSync(home, { recursive: true });
});
