import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { OlympusErrors } from "../src/base/errors.ts";
import { projectRoot } from "../src/base/paths.ts";
import { loadTeam } from "../src/team/load.ts";
import type { LoadedTeam } from "../src/team/model.ts";
import { checkSecrets, requireSecrets } from "./check.ts";
import { emptySops, writeSops } from "./sops.ts";
import { initSecrets, openSecrets } from "./store.ts";

let folder = "";
let team: LoadedTeam;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "olympus-secrets-"));
  vi.stubEnv("SOPS_AGE_KEY", await generateX25519Identity());
  team = { ...(await loadTeam(join(projectRoot, "team.yaml"))), secretsFile: join(folder, "team.enc.yaml") };
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("a new file lacks the models' keys, and has one holder", async () => {
  const { store } = await initSecrets(team);
  expect((await checkSecrets(team, store)).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "missing models.anthropic",
    "missing models.openai",
    "missing models.google",
    `note ${store.recipients()[0]}`,
  ]);
});

test("what machines cannot do without is told at once, with the command that brings it, and of those machines alone", async () => {
  const { store } = await initSecrets(team);
  const [first, ...others] = team.machines.filter(({ agent }) => agent !== undefined);
  const wrong = (machines: LoadedTeam["machines"]) => {
    try {
      requireSecrets(team, store, machines);
      return [];
    } catch (error) {
      return (error as OlympusErrors).errors.map(({ code, message, hint }) => [code, message, hint]);
    }
  };
  expect(wrong(team.machines)).toContainEqual([
    "E-SECRET-MISSING",
    "the secret models.anthropic is not set",
    "npx olympus secrets set models.anthropic",
  ]);
  for (const name of ["anthropic", "openai", "google"]) store.set(`models.${name}`, "x");
  store.delete(`agents.${first!.name}.dashboard`);
  expect(wrong([first!])).toEqual([
    ["E-SECRET-MISSING", `the secret agents.${first!.name}.dashboard is not set`, "npx olympus secrets init"],
  ]);
  expect(wrong(others)).toEqual([]);
});

test("nothing to say of a file that is whole", async () => {
  const { store } = await initSecrets(team, [await identityToRecipient(await generateX25519Identity())]);
  for (const name of ["anthropic", "openai", "google"]) store.set(`models.${name}`, "x");
  await store.save();
  expect(await checkSecrets(team, store)).toEqual([]);
});

test("what somebody left the team with, and a rotation that was cut short", async () => {
  const { store } = await initSecrets(team);
  store.set("hosts.icarus.private", "x");
  store.set("rotation.postgresql.mattermost", "x");
  store.set("rotation.ssh.deploy.next.private", "x");
  store.delete("team.hmac");
  await store.save();
  const found = await checkSecrets(team, store);
  expect(found).toContainEqual(expect.objectContaining({ name: "team.hmac", fix: "npx olympus secrets init" }));
  expect(found).toContainEqual(
    expect.objectContaining({ name: "hosts.icarus.private", fix: "npx olympus secrets forget hosts.icarus.private" }),
  );
  expect(found).toContainEqual(
    expect.objectContaining({ name: "postgresql.mattermost", fix: "npx olympus secrets rotate postgresql.mattermost" }),
  );
  expect(found).toContainEqual(expect.objectContaining({ fix: "npx olympus secrets rotate ssh.deploy" }));
});

test("the key of an agent that lost the role which signs with it; what its commits are checked by stays", async () => {
  const agent = team.machines.find((machine) => machine.agent !== undefined)!;
  const withRole = (role: object): LoadedTeam => ({
    ...team,
    machines: team.machines.map((one) => (one === agent ? { ...one, roles: { ...role } } : one)),
  });
  const { store } = await initSecrets(withRole({ github: {} }));
  store.set(`agents.${agent.name}.signing.former`, "x");
  await store.save();
  const left = async (now: LoadedTeam) =>
    (await checkSecrets(now, store)).filter(({ name }) => name.includes("signing")).map(({ fix }) => fix);
  expect(await left(withRole({ github: {} }))).toEqual([]);
  expect(await left(withRole({}))).toEqual([`npx olympus secrets forget agents.${agent.name}.signing.private`]);
});

test("a value that sops was told to leave in plain text, and what told it so", async () => {
  vi.stubEnv("SOPS_AGE_KEY", readFileSync(join(import.meta.dirname, "fixtures/test-only-identity.txt"), "utf8"));
  const regex = readFileSync(join(import.meta.dirname, "fixtures/sops-regex.enc.yaml"), "utf8");
  writeFileSync(team.secretsFile, regex);
  const found = await checkSecrets(team, await openSecrets(team));
  expect(found.filter(({ kind }) => kind === "unsafe")).toEqual([]);
  expect(found).toContainEqual(
    expect.objectContaining({ name: "sops", what: expect.stringContaining("encrypted_regex") }),
  );

  const identity = await generateX25519Identity();
  vi.stubEnv("SOPS_AGE_KEY", identity);
  const recipient = await identityToRecipient(identity);
  const sealed = await writeSops(emptySops(), new Map([["models.anthropic", "x"]]), [recipient]);
  // As `sops` itself would accept it with a rule of its own; the checksum counts values, sealed or not.
  writeFileSync(team.secretsFile, sealed.replace(/anthropic: ENC\S+/, "anthropic: x"));
  expect(await checkSecrets(team, await openSecrets(team))).toContainEqual(
    expect.objectContaining({ kind: "unsafe", name: "models.anthropic" }),
  );
});
