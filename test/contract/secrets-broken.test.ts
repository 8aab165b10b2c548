import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity } from "age-encryption";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { olympus, olympusOk } from "../support/olympus.ts";

vi.setConfig({ testTimeout: 600_000 });

// #45: secrets that cannot be opened are told before anything is connected to, and nothing takes their place.

let folder = "";
let env: Record<string, string> = {};
let whole = "";
let contacts = 0;
/** Stands where the team's hypervisor would be. */
const server = createServer((socket) => {
  contacts += 1;
  socket.destroy();
});
const team = (): string => join(folder, "team.yaml");
const secrets = (): string => join(folder, "secrets.enc.yaml");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "olympus-secrets-"));
  env = { SOPS_AGE_KEY_FILE: join(folder, "age.txt"), OLYMPUS_STATE: join(folder, "state") };
  await new Promise<void>((resolve) => server.listen(0, "127.77.1.7", resolve));
  const { port } = server.address() as { port: number };
  const key = generateSshKeyPair("").public.trim();
  const lab = await readFile(join(projectRoot, "examples/lab/team.yaml"), "utf8");
  await writeFile(
    team(),
    lab.replaceAll("10.220.1.", "127.77.1.").replace("127.77.1.7,", `127.77.1.7, hostKey: ${key}, port: ${port},`),
  );
  await olympusOk(["secrets", "init", "--team", team()], { env });
  whole = await readFile(secrets(), "utf8");
  // The way there is open: what does not come does not want to.
  await olympus(["doctor", "r420", "--team", team()], { env });
  expect(contacts).toBeGreaterThan(0);
  contacts = 0;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const stranger = { SOPS_AGE_KEY: await generateX25519Identity() };

test.each<[string, RegExp, (text: string) => string, Record<string, string>]>([
  [
    "no identity",
    /encrypted to age1.*[\s\S]*SOPS_AGE_KEY_FILE/,
    (text) => text,
    { SOPS_AGE_KEY_FILE: "/nowhere/age.txt" },
  ],
  ["somebody else's identity", /E-SECRETS-IDENTITY[\s\S]*encrypted to age1/, (text) => text, stranger],
  ["a wrong checksum", /E-SECRETS-BROKEN/, (text) => text.replace(/(mac: ENC\[AES256_GCM,data:)..../, "$1AAAA"), {}],
  ["a file cut off", /E-SECRETS-BROKEN/, (text) => text.slice(0, text.length / 2), {}],
  ["no file", /E-SECRETS-FILE[\s\S]*olympus secrets init/, () => "", {}],
])("#45 %s", async (_, message, damage, identity) => {
  const text = damage(whole);
  if (text === "") await rm(secrets());
  else await writeFile(secrets(), text, { mode: 0o600 });
  const commands = [
    ["role", "check", "--all"],
    ["bootstrap"],
    ["up", "--yes"],
    ["secrets", "rotate", "--all", "--yes"],
  ];
  for (const words of commands) {
    const result = await olympus([...words, "--team", team()], { env: { ...env, ...identity } });
    expect(result, words.join(" ")).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  }
  expect(contacts).toBe(0);
});
