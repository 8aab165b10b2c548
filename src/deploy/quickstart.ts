import { openSecrets } from "../../secrets/store.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { projectRoot } from "../base/paths.ts";
import { type Reporter, withStep } from "../base/report.ts";
import { askAgent } from "../bootstrap/ask.ts";
import { ensureImage } from "../images/index.ts";
import { labUp } from "../lab/index.ts";
import { type MachineFacts, machineFacts } from "../prerequisites/machine.ts";
import { debianPackages, installPackages, missingPackages } from "../prerequisites/packages.ts";
import type { LoadedTeam } from "../team/model.ts";
import { ensureTools } from "../toolchain/index.ts";
import { deploy } from "./deploy.ts";

/** What one computer must have for two lab hypervisors and two VMs. GB. */
const needs = { memory: 6, disk: 18 };

export interface QuickstartPlan {
  readonly facts: MachineFacts;
  readonly missing: readonly string[];
  readonly lines: readonly string[];
}

/** Looks at this computer, changes nothing, and says in words what quickstart would do. Throws when it cannot work here. */
export async function planQuickstart(): Promise<QuickstartPlan> {
  const facts = machineFacts(projectRoot);
  const problems = [
    ...(facts.freeMemory < needs.memory
      ? [`${facts.freeMemory.toFixed(1)} GB of memory are free, ${needs.memory} are needed`]
      : []),
    ...(facts.freeDisk < needs.disk
      ? [`${facts.freeDisk.toFixed(0)} GB of disk are free, ${needs.disk} are needed`]
      : []),
    ...(facts.isRoot ? [] : ["namespaces, mounts and bridges need root: run it with sudo"]),
  ];
  if (problems.length > 0) {
    throw new OlympusError(`quickstart cannot work here: ${problems.join("; ")}`, {
      code: "E-QUICKSTART",
      exit: exitCodes.usage,
      hint: "Nothing has been changed. Free what is missing, or use another computer.",
    });
  }
  const missing = await missingPackages([...debianPackages.lab, ...debianPackages.tools]);
  const apt =
    missing.length === 0 ? "no Debian package is missing" : `apt: ${missing.length} packages (${missing.join(" ")})`;
  return {
    facts,
    missing,
    lines: [
      "Olympus quickstart: two lab hypervisors, two VMs, Mattermost and one agent, on this computer",
      `  here        ${facts.system}, ${facts.cores} cores, ${facts.freeMemory.toFixed(1)} GB free (needs ${needs.memory}), ${facts.freeDisk.toFixed(0)} GB disk (needs ${needs.disk}); machines are emulated`,
      `  with root   ${apt}; one network in namespaces of its own, gone after lab down`,
      `  writes      ~/.cache/olympus, ./.olympus, ~/.config/olympus (one key)`,
      "  untouched   firewall, sysctls, clock, other VMs",
      ...(facts.isDebian12 ? [] : [`  note        tried on Debian 12 only; this is ${facts.system}`]),
    ],
  };
}

export interface QuickstartResult {
  readonly answered: boolean;
  readonly agent: string;
  readonly elapsed_s: number;
  readonly mention_to_ack_ms: number;
  readonly mention_to_answer_ms: number;
  readonly changed: number;
  readonly urls: { readonly chat: string; readonly dashboard: string };
}

/** Everything from Debian packages to the first answered mention. Each step does nothing where its work is done already. */
export async function quickstart(
  plan: QuickstartPlan,
  { reporter, signal }: { reporter: Reporter; signal: AbortSignal },
): Promise<{
  result: QuickstartResult;
  answer: string;
  team: LoadedTeam;
  passwords: readonly { person: string; password: string }[];
}> {
  const started = Date.now();
  const names = ["packages", "tools", "lab", "image", "machines", "roles", "chat", "agents", "probe", "first mention"];
  const label = (name: string): string =>
    `${String(names.indexOf(name) + 1).padStart(2)}/${names.length} ${name.padEnd(14)}`;
  let changed = plan.missing.length;

  await withStep(reporter, label("packages"), async (step) => {
    await installPackages(plan.missing, step, signal);
    return {
      value: undefined,
      summary: plan.missing.length === 0 ? "as they were" : `${plan.missing.length} installed`,
    };
  });
  await withStep(reporter, label("tools"), async () => {
    await ensureTools({ reporter, signal });
    return { value: undefined, summary: "ready" };
  });
  const team = await withStep(reporter, label("lab"), async () => {
    const lab = await labUp({ reporter, signal });
    changed += lab.changes.length;
    const names = lab.team.hypervisors.map(({ name }) => name).join(", ");
    return { value: lab.team, summary: lab.changes.length === 0 ? "as it was" : `hypervisors ${names}` };
  });
  const secrets = await openSecrets(team);
  await withStep(reporter, label("image"), async () => {
    const image = await ensureImage(team.machines[0]!.image, { reporter, signal });
    return { value: undefined, summary: image.identity.slice(0, 12) };
  });
  const deployed = await deploy({ team, secrets, reporter, signal, label });
  changed += deployed.changed;

  const agent = Object.keys(team.team.agents)[0]!;
  const asked = await withStep(reporter, label("first mention"), async (step) => {
    step.update(`@${agent}, who are you?`);
    const value = await askAgent({ team, secrets, agent, text: `@${agent}, who are you?`, waitMs: 60_000, signal });
    return { value, summary: `answered in ${(value.answerMs / 1000).toFixed(1)} s` };
  });
  return {
    answer: asked.answer,
    team,
    passwords: deployed.passwords,
    result: {
      answered: true,
      agent,
      elapsed_s: Math.round((Date.now() - started) / 100) / 10,
      mention_to_ack_ms: asked.ackMs,
      mention_to_answer_ms: asked.answerMs,
      changed,
      urls: publishedUrls(team),
    },
  };
}

/** Addresses on this computer, as the lab publishes them. */
function publishedUrls(team: LoadedTeam): { chat: string; dashboard: string } {
  const published = Object.entries(team.team.lab?.publish ?? {});
  const find = (port: string): string => {
    const entry = published.find(([, target]) => target.endsWith(`:${port}`));
    return entry === undefined ? "" : `http://127.0.0.1:${entry[0]}`;
  };
  return { chat: find("8065"), dashboard: find("18789") };
}
