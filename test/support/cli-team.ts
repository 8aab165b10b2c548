import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../../src/base/paths.ts";
import { type LabMachine, openThrowaway } from "../../src/lab/index.ts";
import { startMattermost } from "./mattermost.ts";
import { type CliResult, olympus } from "./olympus.ts";
import { labTeam } from "./team.ts";

/** A team on lab machines (athena, agora with a real chat, the hypervisor r420) with a team file of its own: what the command line works on. */
export interface CliTeam {
  readonly machines: Readonly<Record<"athena" | "agora" | "r420", LabMachine>>;
  /** As they were made; commands write to the file. */
  readonly secrets: SecretStore;
  readonly secretsFile: string;
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly chatUrl: string;
  /** Runs the command line on the team. */
  run(...words: string[]): Promise<CliResult>;
  /** Runs a shell line on a machine as root, past SSH; secrets go in on stdin. Gives its stdout. */
  inside(name: "athena" | "agora" | "r420", script: string, stdin?: string): Promise<string>;
  close(): Promise<void>;
}

/** `keys` may log in as the machines' login too. */
export async function openCliTeam(keys: readonly string[] = []): Promise<CliTeam> {
  const { secrets, folder, team } = await labTeam();
  const lab = await openThrowaway({
    authorizedKeys: [...keys, secrets.require("ssh.deploy.public").reveal()],
    user: "agent",
  });
  const chat = await startMattermost({}, { host: lab.hostAddress });
  const [athena, agora, r420] = await Promise.all([lab.start("athena"), lab.start("agora"), lab.start("r420")]);
  const machines = { athena, agora, r420 };
  for (const { name, hostKey } of [athena, agora]) secrets.set(`hosts.${name}.public`, hostKey);
  await secrets.save();

  const file = join(folder, "team.yaml");
  const text = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8")
    .replace(/\nlab:[\s\S]*/, "")
    .replace(/^ {2}r720xd: .*\n/m, "")
    .replace("on: r720xd", "on: r420")
    .replace("10.220.1.7, user: operator,", `${r420.address}, user: agent, hostKey: ${r420.hostKey},`)
    .replace("10.220.1.50", athena.address)
    .replace("10.220.1.20", agora.address)
    .replace("10.220.1.254", lab.hostAddress)
    .replace("10.220.1.0/24", lab.cidr)
    .replaceAll("10.220.1.1", lab.gateway);
  writeFileSync(file, text);
  const env = { SOPS_AGE_KEY_FILE: process.env.SOPS_AGE_KEY_FILE!, OLYMPUS_STATE: join(folder, "state") };

  const inside: CliTeam["inside"] = async (name, script, stdin = "") => {
    const child = spawn("nsenter", ["-t", String(machines[name].init.pid), "-a", "/bin/sh", "-c", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    // What does not read its stdin may end before that is closed; its exit code says how it went.
    child.stdin.once("error", () => undefined);
    child.stdin.end(stdin);
    const [code] = (await once(child, "close")) as [number];
    if (code !== 0) throw new Error(`${name}: ${script}: exit ${code}\n${out}`);
    return out;
  };
  // The chat runs on this computer; its machine has a door to it.
  await inside(
    "agora",
    `systemd-run -q --unit=door --socket-property=ListenStream=8065 /lib/systemd/systemd-socket-proxyd ${lab.hostAddress}:${chat.port}`,
  );
  return {
    machines,
    secrets,
    secretsFile: team.secretsFile,
    folder,
    env,
    chatUrl: `http://${agora.address}:8065`,
    inside,
    run: (...words) => olympus([...words, "--team", file], { env }),
    async close() {
      await Promise.all([lab.close(), chat.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
