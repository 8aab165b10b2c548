import { html, type Markup } from "../../base/markup.ts";
import type { AgentConfig } from "../../harness/config.ts";
import { modelName } from "../../harness/model-port.ts";
import type { Policy } from "../../harness/policy/schema.ts";
import { money } from "../format.ts";
import { type Frame, layout, table } from "../layout.ts";
import type { Look } from "../look.ts";

interface Setting {
  readonly name: string;
  readonly value: string;
  /** Where to change it. */
  readonly from: string;
}

/** Who the agent is and what it works by: to be read, not changed here. */
export function settingsPage(frame: Frame, look: Look): string {
  const { config } = look;
  const here = `agents.${config.agent}`;
  return layout(
    frame,
    "/settings",
    "Persona and settings",
    [
      html`<p class="soft">Nothing can be changed here: these are values of the team file, brought by <code>npx olympus deploy ${config.agent}</code>. What nobody wrote there has its default, and is marked so.</p>`,
      html`<h2>Persona</h2><div class="box said">${config.persona}</div><p class="soft">From <code>${here}.persona</code>, or the team's file of that name.</p>`,
      html`<h2>What it knows of its team</h2><ul>${config.facts.map((fact) => html`<li>${fact}</li>`)}</ul><p class="soft">From the whole team file, and <code>defaults.facts</code>.</p>`,
      html`<h2>Settings</h2>`,
      settingsTable("Settings", settingsOf(config, here)),
      html`<h2>People</h2>`,
      table(
        "People",
        ["Name", "May give tasks", "May approve", "From"],
        config.chat.people.map(
          ({ name, command, approve }) =>
            html`<tr><td>${name}</td><td>${command ? "yes" : "no"}</td><td>${approve.join(", ") || "nothing"}</td><td><code>people.${name}</code></td></tr>`,
        ),
      ),
    ],
    false,
  );
}

function settingsTable(label: string, settings: readonly Setting[]): Markup {
  return table(
    label,
    ["Setting", "Value", "From"],
    settings.map(
      ({ name, value, from }) =>
        html`<tr><td>${name}</td><td class="text">${value}</td><td><code>${from}</code></td></tr>`,
    ),
  );
}

/** Of a value that nobody wrote into the team file. */
const nobodys = "default";
/** What role agent derives from the size of the machine; its parameter `egress` is a value of its own. */
const bySize: readonly string[] = ["memory", "cpus", "disk"];

/** Where each value stands in the team file. Names of files with secrets are not shown: they say nothing to a reader. */
function settingsOf(config: AgentConfig, here: string): Setting[] {
  const { budget, limits, chat, listen, sandbox, quietHours, policy, origins } = config;
  // A configuration that names no origins was written by hand: these two have no default, somebody gave them.
  const modelsFrom = origins.models ?? `${here}.models`;
  const budgetFrom = origins.budget ?? `${here}.budget`;
  return [
    ...config.models.map((choice, index) => ({
      name: index === 0 ? "Model" : "Model, when those before fail",
      value: [
        modelName(choice),
        choice.for === undefined ? "for everything" : `for ${choice.for.join(", ")}`,
        choice.price === undefined
          ? "no price known"
          : `${money(choice.price.input)} and ${money(choice.price.output)} a million tokens in and out`,
      ].join("; "),
      from: `${modelsFrom}[${index}]`,
    })),
    { name: "Budget of a run", value: money(budget.run), from: `${budgetFrom}.run` },
    { name: "Budget of a day", value: money(budget.day), from: `${budgetFrom}.day` },
    {
      name: "Tokens of a run",
      value: tokens(budget.runTokens),
      from: budget.runTokens === undefined ? nobodys : `${budgetFrom}.runTokens`,
    },
    {
      name: "Tokens of a day",
      value: tokens(budget.dayTokens),
      from: budget.dayTokens === undefined ? nobodys : `${budgetFrom}.dayTokens`,
    },
    { name: "Time zone", value: config.timezone, from: "defaults.timezone" },
    {
      name: "Quiet hours",
      value:
        quietHours === undefined
          ? "none (default)"
          : `${quietHours.from} to ${quietHours.to} ${quietHours.days.join(", ")}`,
      from: origins.quietHours ?? nobodys,
    },
    ...config.schedules.map((schedule) => ({
      name: `Schedule ${schedule.name}`,
      value: `${schedule.at} (${schedule.timezone}) in ${schedule.channel}: ${schedule.task}`,
      from: `${here}.schedules.${schedule.name}`,
    })),
    ...Object.entries(limits).map(([name, value]) => told(`Limit ${name}`, value, origins[`limits.${name}`])),
    ...Object.entries(sandbox ?? {}).map(([name, value]) =>
      told(
        `Sandbox ${name}`,
        value,
        bySize.includes(name) ? "role agent, from the machine's size" : name === "egress" ? "role agent" : undefined,
      ),
    ),
    ...(policy === undefined ? [] : policySettings(policy)),
    {
      name: "Answers of agents to one another in a row, and of each in all",
      value: String(chat.maxHops),
      from: "role agent",
    },
    { name: "Mentions are answered up to", value: `${chat.maxAgeHours} hours late`, from: "role agent" },
    { name: "Chat server", value: chat.url, from: "services, with the role chat" },
    { name: "This dashboard", value: `${listen.address}:${listen.port}`, from: "network, the agent's address" },
    { name: "Data", value: config.dataDir, from: "role agent" },
  ];
}

const tokens = (most: number | undefined): string =>
  most === undefined ? "as many as the money allows (default)" : String(most);

/** A value in words; with a mark when nobody wrote it, whatever it is. */
function told(name: string, value: unknown, from: string | undefined): Setting {
  const words = Array.isArray(value) ? value.join(", ") || "none" : String(value);
  return from === undefined ? { name, value: `${words} (default)`, from: nobodys } : { name, value: words, from };
}

/** What waits for people, and what is looked at before. */
function policySettings({ expireHours, merge, lenses, deploys, sensitive, destructive }: Policy): Setting[] {
  const changes = ({ paths, labels, lines }: Pick<Policy["merge"][number], "paths" | "labels" | "lines">) =>
    [...paths, ...labels.map((label) => `label ${label}`), ...(lines > 0 ? [`${lines} lines and more`] : [])].join(
      ", ",
    ) || "every change";
  const listed = (words: readonly string[]) => words.join("; ") || "none";
  return [
    { name: "Gates wait", value: `${expireHours} hours`, from: "policy.gates.hours" },
    {
      name: "Merges that need more",
      value: listed(merge.map((rule) => `${changes(rule)}: ${[rule.kind, ...rule.approvers].join(", ")}`)),
      from: "policy.gates.merge",
    },
    {
      name: "Reviews",
      value: listed(lenses.map((rule) => `${rule.lens}: ${changes(rule)}`)),
      from: "policy.reviews",
    },
    { name: "Deployments", value: listed(deploys.map(({ name }) => name)), from: "policy.gates.deploy" },
    {
      name: "Data that people release",
      value: listed(sensitive.map(({ name }) => name)),
      from: "policy.gates.sensitive",
    },
    { name: "Commands that wait", value: listed(destructive.commands), from: "policy.gates.destructive" },
  ];
}
