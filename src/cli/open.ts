import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import type { LoadedTeam } from "../team/model.ts";
import type { CliCommand } from "./command.ts";
import type { CommandContext } from "./context.ts";

const askTimeoutMs = 10_000;

/** `olympus open`: a link that signs a person in at an agent's dashboard. */
export const command: CliCommand = {
  register(program, run) {
    program
      .command("open")
      .argument("<agent>", "an agent")
      .option("--person <name>", "who signs in; needed where the team file lets several people give tasks")
      .description("Prints a link to an agent's dashboard that signs you in. It can be used once, within two minutes.")
      .addHelpText("before", "  npx olympus open athena\n  npx olympus open athena --person mara\n")
      .action(
        run((context: CommandContext, name: string, options: { person?: string }) => open(context, name, options)),
      );
  },
};

async function open(
  { loadTeam, reporter, signal }: CommandContext,
  name: string,
  options: { person?: string },
): Promise<number> {
  const [{ openSecrets }, { mustKnow }, { dashboardUrl, publishedHosts }, { trustDashboard }] = await Promise.all([
    import("../../secrets/store.ts"),
    import("../team/unknown.ts"),
    import("../team/dashboard.ts"),
    import("../bootstrap/trust.ts"),
  ]);
  const team = await loadTeam();
  const agents = team.machines.filter(({ agent }) => agent !== undefined);
  mustKnow(
    "agent",
    name,
    agents.map((machine) => machine.name),
    team.file,
  );
  const person = options.person ?? onlyOne(team, name);
  mustKnow("person", person, Object.keys(team.team.people), team.file);
  const machine = agents.find((one) => one.name === name)!;
  const place = dashboardUrl(machine);
  const secrets = await openSecrets(team);
  trustDashboard(machine, secrets);
  const token = secrets.require(`agents.${name}.dashboard`);
  const code = await codeFrom(place, token.reveal(), person, name, signal);
  // Behind the #: browsers send it to no server, so that it is in no log and no referrer.
  const url = `${place}/login#${code}`;
  // A browser on another computer is let in under the name that the lab's port has here.
  const [published] = publishedHosts(team, machine);
  if (published !== undefined) {
    const port = published.split(":")[1];
    const there = `${new URL(place).protocol}//${published}/login#${code}`;
    reporter.info(`from elsewhere: ssh -L ${port}:127.0.0.1:${port} <this computer>, then ${there}`);
  }
  reporter.info(`signs in as ${person}, once, within two minutes:`);
  reporter.result(url, { type: "link", agent: name, person, url });
  return exitCodes.done;
}

/** The one person who may give tasks. Throws E-USAGE where there are several: what is done there is done in one's own name. */
function onlyOne({ team: { people } }: LoadedTeam, agent: string): string {
  const names = Object.keys(people);
  const may = names.filter((name) => people[name]!.command);
  if (may.length === 1) return may[0]!;
  throw new OlympusError(`who signs in at ${agent}'s dashboard? What is done there is done in that person's name`, {
    code: "E-USAGE",
    exit: exitCodes.usage,
    hint: (may.length === 0 ? names : may).map((name) => `npx olympus open ${agent} --person ${name}`).join("\n"),
  });
}

async function codeFrom(
  place: string,
  token: string,
  person: string,
  agent: string,
  signal: AbortSignal,
): Promise<string> {
  let answer: Response;
  try {
    answer = await fetch(`${place}/api/links`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ person }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]),
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw openError(
      `${agent}'s dashboard does not answer: ${messageOf(cause)}`,
      place,
      `npx olympus doctor ${agent}`,
      cause,
    );
  }
  // Any program may listen there, and say anything.
  const told: unknown = await answer.json().catch(() => undefined);
  const { code, error } = (told ?? {}) as { readonly code?: unknown; readonly error?: unknown };
  if (typeof code === "string") return code;
  const hint = `npm run role -- setup agent --host ${agent}  brings people and tokens of the team file there`;
  throw openError(
    `${agent}'s dashboard gives no link: ${typeof error === "string" ? error : `HTTP ${answer.status}`}`,
    place,
    hint,
  );
}

function openError(message: string, where: string, hint: string, cause?: unknown): OlympusError {
  return new OlympusError(message, {
    code: "E-OPEN",
    exit: cause === undefined ? exitCodes.failed : exitCodes.unreachable,
    where,
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
