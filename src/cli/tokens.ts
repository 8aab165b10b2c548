import { generateToken } from "../../secrets/generate.ts";
import { exitCodes } from "../base/errors.ts";
import { grantLine, readGrants } from "../base/grants.ts";
import { givenTokenPath } from "../team/dashboard.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";
import { table } from "./table.ts";
import { mustKnow, usageError } from "./usage.ts";

interface AddOptions {
  readonly until?: string;
  readonly person?: string;
}

/** `olympus tokens`: who else gets into an agent's dashboard than its own token. */
export const command: CliCommand = {
  register(program, run) {
    const tokens = program
      .command("tokens")
      .description(
        "Tokens for agents' dashboards: for programs that read, or for a person. Only their hashes are kept.",
      )
      .addHelpText(
        "before",
        [
          "  npx olympus tokens add athena grafana --until 2027-01-31     may read, until that day's end (UTC)",
          "  npx olympus tokens add athena mara-phone --person mara       may do what mara may, in her name",
          "  npx olympus tokens list",
          "  npx olympus tokens remove athena grafana                     ends it, and what was opened with it\n",
        ].join("\n"),
      );
    tokens
      .command("add")
      .argument("<agent>", "an agent")
      .argument("<name>", "what it is for; one that is there already gets a new value")
      .option("--until <day>", "the last day that it is good for, 2027-01-31; for ever unless given")
      .option("--person <name>", "in whose name it is used, with their rights; it may only read unless given")
      .description("Makes a token, brings it to the agent and shows it, once.")
      .action(
        run((context: CommandContext, agent: string, name: string, options: AddOptions) =>
          add(context, agent, name, options),
        ),
      );
    tokens
      .command("list")
      .argument("[agent]", "all unless given")
      .description("Names tokens and what they may, not their values: nobody has those.")
      .action(run((context: CommandContext, agent?: string) => list(context, agent)));
    tokens
      .command("remove")
      .argument("<agent>", "an agent")
      .argument("<name>", "the token's")
      .description("Ends a token, with everything that was signed in by it.")
      .action(run((context: CommandContext, agent: string, name: string) => remove(context, agent, name)));
  },
};

async function open(context: CommandContext, agent: string) {
  const { openSecrets } = await import("../../secrets/store.ts");
  const team = await context.loadTeam();
  const { agents } = team.team;
  mustKnow("agent", agent, Object.keys(agents), team.file);
  if (agents[agent]!.runtime === "openclaw") {
    throw usageError(
      `${agent} runs OpenClaw, whose page knows one token`,
      `npx olympus secrets rotate agents.${agent}.dashboard  gives that one a new value`,
    );
  }
  const secrets = await openSecrets(team);
  const bring = async (): Promise<void> => {
    const { applyRole } = await import("./apply-role.ts");
    await applyRole("agent", [agent], { team, secrets, reporter: context.reporter, signal: context.signal });
    // Kept when the agent knows of it: what was cut off before is not there, and can be done again.
    await secrets.save();
  };
  return { team, secrets, bring };
}

async function add(context: CommandContext, agent: string, name: string, options: AddOptions): Promise<number> {
  const { until, person } = options;
  mustLie(until);
  const { team, secrets, bring } = await open(context, agent);
  if (person !== undefined) mustKnow("person", person, Object.keys(team.team.people), team.file);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) {
    throw usageError(`"${name}" is no name for a token`, "small letters, digits and -, such as grafana");
  }
  const token = generateToken();
  secrets.set(
    givenTokenPath(agent, name),
    grantLine(token, person === undefined ? ["read"] : ["read", "act"], until, person),
  );
  await bring();
  context.reporter.info(`${name} for ${agent}'s dashboard; it is shown this once. As "Authorization: Bearer <token>":`);
  context.reporter.result(token, { type: "tokens.add", agent, name, token, until, person });
  return exitCodes.done;
}

/** Throws E-USAGE for what is no day, or one that is over. */
function mustLie(day: string | undefined): void {
  if (day === undefined) return;
  const time = Date.parse(`${day}T23:59:59.999Z`);
  // Dates roll over: there is no 31st of February, and no 13th month at all.
  const real = /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
  if (real && time > Date.now()) return;
  throw usageError(
    real ? `${day} is over` : `"${day}" is no day`,
    "the last day that it is good for, as in --until 2027-01-31",
  );
}

async function list(context: CommandContext, agent: string | undefined): Promise<number> {
  const { openSecrets } = await import("../../secrets/store.ts");
  const team = await context.loadTeam();
  const agents = Object.keys(team.team.agents);
  if (agent !== undefined) mustKnow("agent", agent, agents, team.file);
  const secrets = await openSecrets(team);
  const tokens = (agent === undefined ? agents : [agent]).flatMap((one) =>
    secrets.paths().flatMap((path) => {
      if (!path.startsWith(givenTokenPath(one))) return [];
      const [grant] = readGrants(secrets.require(path).reveal(), path);
      const name = path.slice(givenTokenPath(one).length);
      const until = grant?.until === undefined ? undefined : new Date(grant.until).toISOString().slice(0, 10);
      const over = grant?.until !== undefined && grant.until < Date.now();
      return [{ agent: one, name, scopes: grant?.scopes ?? [], person: grant?.person, until, over }];
    }),
  );
  const rows = tokens.map(({ agent: of, name, scopes, person, until, over }) => [
    of,
    name,
    scopes.join(", "),
    person ?? "",
    until === undefined ? "" : `${until}${over ? ", over" : ""}`,
  ]);
  const text = rows.length === 0 ? "none" : table(["agent", "token", "may", "as", "until"], rows);
  context.reporter.result(text, { type: "tokens", tokens });
  return exitCodes.done;
}

async function remove(context: CommandContext, agent: string, name: string): Promise<number> {
  const { secrets, team, bring } = await open(context, agent);
  const path = givenTokenPath(agent, name);
  const there = secrets.paths().filter((one) => one.startsWith(givenTokenPath(agent)));
  mustKnow(
    "token",
    name,
    there.map((one) => one.slice(givenTokenPath(agent).length)),
    team.secretsFile,
  );
  secrets.delete(path);
  await bring();
  context.reporter.result(`${name} opens ${agent}'s dashboard no more`, { type: "tokens.remove", agent, name });
  return exitCodes.done;
}
