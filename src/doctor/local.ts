import { existsSync } from "node:fs";
import { openSecrets } from "../../secrets/store.ts";
import { messageOf, OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { plural } from "../base/plural.ts";
import { machineFacts } from "../prerequisites/machine.ts";
import type { LoadedTeam } from "../team/model.ts";
import { toolchain } from "../toolchain/index.ts";
import type { Check } from "./check.ts";

/** Tries what this computer must offer: tools, secrets that open, space. */
export async function checkHere(team: LoadedTeam): Promise<Check[]> {
  const facts = machineFacts(projectRoot);
  const secrets = await attempt("secrets", async () => {
    const store = await openSecrets(team);
    const missing = ["ssh.deploy.private", "pulumi.passphrase"].filter((path) => store.get(path) === undefined);
    if (missing.length > 0)
      throw new OlympusError(`not set: ${missing.join(", ")}`, {
        code: "E-SECRET-MISSING",
        hint: "npx olympus secrets init",
      });
    return `${team.secretsFile} opens`;
  });
  const tools = await attempt("tools", async () => `Pulumi and providers in ${toolchain().binDir}`);
  return [
    {
      host: "here",
      name: "disk",
      state: facts.freeDisk < 5 ? "fail" : "ok",
      fact: `${facts.freeDisk.toFixed(0)} GB free`,
      fix: facts.freeDisk < 5 ? "free some space: images and tools take about 5 GB" : "",
    },
    {
      host: "here",
      name: "team",
      state: "ok",
      fact: `${plural(team.machines.length, "machine")} on ${plural(team.hypervisors.length, "hypervisor")} (${team.file})`,
      fix: "",
    },
    tools,
    secrets,
    ...(team.team.lab !== undefined && !existsSync("/dev/net/tun")
      ? [
          {
            host: "here",
            name: "tun" as const,
            state: "fail" as const,
            fact: "/dev/net/tun is missing",
            fix: "modprobe tun",
          },
        ]
      : []),
  ];
}

async function attempt(name: Check["name"], work: () => Promise<string>): Promise<Check> {
  try {
    return { host: "here", name, state: "ok", fact: await work(), fix: "" };
  } catch (error) {
    const fix = error instanceof OlympusError ? (error.hint ?? "") : "";
    return { host: "here", name, state: "fail", fact: messageOf(error), fix };
  }
}
