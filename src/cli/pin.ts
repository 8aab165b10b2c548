import { exitCodes, OlympusError } from "../base/errors.ts";
import type { LabStatus } from "../lab/status.ts";
import { fingerprint, parseHostKey } from "../ssh/host-key.ts";
import { hostKeyLine } from "../team/host-key.ts";
import { ask, canAsk } from "./ask.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { offeredKey } from "./offered-key.ts";
import { unknownWord, usageError } from "./usage.ts";
import { writeTeamValue } from "./write-team.ts";

/** So many of its last characters stand for a fingerprint that a person has read: 96 bits, beyond what a forger can search for. */
const typedAtLeast = 16;

/** `olympus pin`: asks a hypervisor for its SSH host key and writes it into the team file, once a person vouches for it. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("pin")
      .argument("<hypervisor>", "whose host key to pin")
      .argument("[fingerprint]", "SHA256:… as its own console shows it")
      .option("--fingerprint <fingerprint>", "the same as an option")
      .description("Pins a hypervisor's SSH host key in the team file. Without a pinned key nothing connects to it.")
      .addHelpText(
        "before",
        [
          "  npx olympus pin r420                          asks for the fingerprint, or its last 16 characters",
          "  npx olympus pin r420 --fingerprint SHA256:…   for scripts; another key than that is refused (exit 5)",
          "On the hypervisor's console:  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n",
        ].join("\n"),
      )
      .action(
        run(async (context, name: string, positional: string | undefined, options: { fingerprint?: string }) => {
          const given = options.fingerprint ?? positional;
          const team = await context.loadTeam();
          const host = team.hypervisors.find((hypervisor) => hypervisor.name === name);
          if (host === undefined)
            throw unknownWord(
              "hypervisor",
              name,
              team.hypervisors.map((one) => one.name),
            );
          const { labStatus } = await import("../lab/status.ts");
          mustNotBeLabs(await labStatus(), team.file, host.address);
          context.reporter.info(`${name}: asking ${host.address}:${host.port} for its host key`);
          const key = await offeredKey(host, context.signal);
          const shown = fingerprint(key);
          const line = hostKeyLine(key);
          const before = host.hostKey === undefined ? undefined : fingerprint(parseHostKey(host.hostKey).blob);

          if (given !== undefined && whole(given) !== shown) throw otherKey(name, shown, whole(given), "given");
          const changed = host.hostKey !== line;
          if (changed) {
            context.reporter.info(`${name}: ${line.split(" ")[0]} ${shown}`);
            if (before !== undefined) context.reporter.warn(`${name} is pinned with another key: ${before}`);
            if (given === undefined) await askFor(context, name, shown);
            await writeTeamValue(team.file, ["hypervisors", name, "hostKey"], line);
          }
          context.reporter.result(
            changed
              ? `${name}: pinned ${shown} in ${team.file}. Next: npx olympus doctor ${name}`
              : `${name}: pinned already, and it shows the same key: ${shown}`,
            { type: "pin", hypervisor: name, fingerprint: shown, key: line, before: before ?? null, changed },
          );
          return undefined;
        }),
      );
  },
};

/** A person reads the fingerprint where they trust it, and types it or its end. `--yes` is no substitute. */
async function askFor(context: CommandContext, name: string, shown: string): Promise<void> {
  const flag = `npx olympus pin ${name} --fingerprint SHA256:…`;
  if (!canAsk(context.options)) {
    throw new OlympusError(`${name} shows ${shown}; nobody is here to vouch for it, so nothing was pinned.`, {
      code: "E-CONFIRM",
      exit: exitCodes.confirmation,
      hint: `Read it on the console of ${name} (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then: ${flag}`,
    });
  }
  const question = `Compare with the console of ${name}, then type the fingerprint or its last ${typedAtLeast} characters: `;
  const typed = await ask(question, context.signal);
  if (vouches(typed, shown)) return;
  if (/^(SHA256:)?[A-Za-z0-9+/]{43}=?$/.test(typed)) throw otherKey(name, shown, whole(typed), "typed");
  throw new OlympusError(`That is not the end of ${shown}; nothing was pinned.`, {
    code: "E-CONFIRM",
    exit: exitCodes.confirmation,
    hint: `Run it again, or: ${flag}`,
  });
}

/** The lab may have the addresses of a team's hypervisors: what answers there while it is up is the lab's. Throws E-USAGE. */
export function mustNotBeLabs(lab: Pick<LabStatus, "team" | "machines">, teamFile: string, address: string): void {
  const there = lab.team === teamFile ? undefined : lab.machines.find((machine) => machine.address === address);
  if (there === undefined) return;
  throw usageError(
    `${address} is ${there.name} of the lab while that is up: this would pin the lab's key`,
    "npx olympus lab down, then the same command again",
  );
}

/** Whether what was typed is the fingerprint, or enough of its end. Case counts. */
export function vouches(typed: string, shown: string): boolean {
  const end = typed.replace(/^SHA256:/, "").replace(/=+$/, "");
  return end.length >= typedAtLeast && shown.slice("SHA256:".length).endsWith(end);
}

/** A fingerprint with its prefix and without padding. */
function whole(text: string): string {
  return `SHA256:${text
    .trim()
    .replace(/^SHA256:/i, "")
    .replace(/=+$/, "")}`;
}

function otherKey(name: string, shown: string, expected: string, how: string): OlympusError {
  return new OlympusError(`${name} shows another host key than the one ${how}: ${shown}, ${how} ${expected}.`, {
    code: "E-HOSTKEY",
    exit: exitCodes.hostKey,
    where: name,
    hint: `Nothing was pinned. Compare with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the console of ${name}: somebody may stand in between.`,
  });
}
