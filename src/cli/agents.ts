import { exitCodes, OlympusError } from "../base/errors.ts";
import type { TextValue } from "../team/edit.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { mustKnow } from "./usage.ts";

interface AddOptions {
  readonly like: string;
  readonly address: string;
  readonly on?: string;
  readonly persona: string;
  readonly email: string;
}

interface RemoveOptions {
  readonly purgeData?: boolean;
  readonly confirm?: string[];
}

/** `olympus agents`: one more in the team file, or one less everywhere. */
export const command: CliCommand = {
  register(program, run) {
    const agents = program
      .command("agents")
      .description("Adds an agent to the team file, or takes one out of the team: machine, voice in the chat, entry.")
      .addHelpText(
        "before",
        [
          "  npx olympus agents add hermes --like athena --address 10.220.1.51 \\",
          '      --persona "You are Hermes. You write what users read." --email hermes@example.com',
          "  npx olympus agents remove hermes                                     its data disk stays",
          "  npx olympus agents remove hermes --purge-data --confirm hermes       nothing stays\n",
        ].join("\n"),
      );
    agents
      .command("add")
      .argument("<name>", "the new agent's name")
      .requiredOption("--like <agent>", "take size, duties and lenses of this agent")
      .requiredOption("--address <address>", "of its machine")
      .requiredOption("--persona <text>", "who it is")
      .requiredOption("--email <address>", "for its accounts")
      .option("--on <hypervisor>", "another hypervisor than that agent's")
      .description("Writes an agent into the team file; nothing is asked of any machine.")
      .action(run((context: CommandContext, name: string, options: AddOptions) => add(context, name, options)));
    const collect = (value: string, before: string[] = []): string[] => [...before, value];
    agents
      .command("remove")
      .argument("<name>", "the agent's name")
      .option("--purge-data", "delete its data disk too")
      .option("--confirm <agent>", "in place of typing the name; --yes does not agree to losing data", collect)
      .description(
        "Removes its machine, gives free what it claimed on the forge, disables its bot, revokes every token of it, and takes it out of the team file.",
      )
      .action(run((context: CommandContext, name: string, options: RemoveOptions) => remove(context, name, options)));
  },
};

async function add(context: CommandContext, name: string, options: AddOptions): Promise<number> {
  const { writeTeamValue } = await import("./write-team.ts");
  const team = await context.loadTeam();
  const { agents, hypervisors } = team.team;
  mustKnow("agent", options.like, Object.keys(agents));
  if (options.on !== undefined) mustKnow("hypervisor", options.on, Object.keys(hypervisors));
  if (name in agents) {
    throw new OlympusError(`there is an agent ${name} already`, {
      code: "E-USAGE",
      exit: exitCodes.usage,
      where: team.file,
      hint: "another name, or change its entry there",
    });
  }
  const { on, template, duties, lenses } = agents[options.like]!;
  const { address, persona, email } = options;
  const entry: TextValue = { on: options.on ?? on, address, template, duties, lenses, persona, email };
  await writeTeamValue(team.file, ["agents", name], entry);
  context.reporter.result(
    `${name} is in ${team.file}. Make its keys, machine, bot and harness:  npx olympus secrets init && npx olympus deploy`,
    {
      type: "agents.add",
      agent: name,
    },
  );
  return exitCodes.done;
}

async function remove(context: CommandContext, name: string, options: RemoveOptions): Promise<number> {
  const [
    { writeTeam },
    { removeFromText },
    { parseTeam },
    { readFile },
    { destroy },
    { openSecrets },
    { retireBot },
    { releaseClaims },
  ] = await Promise.all([
    import("./write-team.ts"),
    import("../team/edit.ts"),
    import("../team/load.ts"),
    import("node:fs/promises"),
    import("./destroy.ts"),
    import("../../secrets/store.ts"),
    import("../bootstrap/retire.ts"),
    import("./agent-claims.ts"),
  ]);
  const team = await context.loadTeam();
  mustKnow("agent", name, Object.keys(team.team.agents));
  const without = (text: string): string => removeFromText(text, ["agents", name]);
  // Known before anything goes: without the entry nothing could be finished after a half.
  parseTeam(without(await readFile(team.file, "utf8")), team.file);
  const purge = options.purgeData === true ? { purgeData: [name] } : {};
  const code = await destroy(context, [name], { ...purge, forGood: true, confirm: options.confirm ?? [] });
  if (code !== exitCodes.done) return code;
  const secrets = await openSecrets(team);
  const { reporter, signal } = context;
  // Its machine is gone: nothing renews or takes a claim in its name any more.
  const freed = await releaseClaims(team, secrets, name, reporter, signal);
  const changed = await retireBot({ team, secrets, signal, agent: name });
  await writeTeam(team.file, without);
  reporter.result(`${name} is gone: bot disabled, tokens revoked, taken out of ${team.file}`, {
    type: "agents.remove",
    agent: name,
    changed,
    freed,
  });
  return exitCodes.done;
}
