import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { messageOf } from "../../base/errors.ts";
import { maskSecrets, Secret } from "../../base/secret.ts";
import { audit } from "../audit/audit.ts";
import type { AgentConfig } from "../config.ts";
import { fenced } from "../fenced.ts";
import type { Forge, ForgePull } from "../forge-port.ts";
import type { Deploy } from "../policy/schema.ts";
import { secretPath } from "../secret-file.ts";
import type { Store } from "../store/open.ts";
import {
  about,
  closeGate,
  gateAgain,
  gateAsked,
  gateBefore,
  gateBegun,
  gateDone,
  liveGates,
  wishGate,
} from "./book.ts";
import { backAct, deployAct, type Gate, isBack, whyOver } from "./gate.ts";
import { type Called, callHost, commitPattern } from "./over-ssh.ts";
import { whoMay } from "./people.ts";

export interface DeployParts {
  readonly config: AgentConfig;
  readonly policy: { readonly deploys: readonly Deploy[]; readonly expireHours: number };
  readonly store: Store;
  readonly forge: Forge;
  readonly clock: { now(): number };
}

/** Characters of a command's output that are said in the thread. */
const shown = 3000;

/**
 * Brings what is declared to be deployed from a merged pull request's branch one step on: asks people, calls the host for what they opened,
 * says what came of it. May be repeated at any time; an act whose end this process did not see is asked for anew, never repeated by itself.
 */
export async function deployments(
  parts: DeployParts,
  run: string,
  pull: ForgePull,
  repo: string,
  place: Gate["place"],
  signal: AbortSignal,
): Promise<string> {
  const { store, policy } = parts;
  // Of a former process that was killed before it could hand it over.
  const left = store.meta(`deploy-said:${run}`);
  if (left !== undefined) return left;
  const said: string[] = [];
  for (const deploy of policy.deploys) {
    if (deploy.repository.toLowerCase() !== repo.toLowerCase() || deploy.branch !== pull.base.branch) continue;
    const gates = [await current(parts, run, deploy, pull, place), ...backs(store, deploy, repo, pull.number)];
    for (const gate of gates) {
      if (gate === undefined) continue;
      const text = gate.state === "open" ? await act(parts, run, deploy, gate, signal) : ask(parts, run, deploy, gate);
      if (text !== undefined) said.push(text);
    }
  }
  return said.join("\n\n");
}

/** The gate for the newest commit of the branch, where this pull request brought it; those of older commits are closed. */
async function current(
  { store, forge, policy, clock }: DeployParts,
  run: string,
  deploy: Deploy,
  pull: ForgePull,
  place: Gate["place"],
): Promise<Gate | undefined> {
  const commit = await forge.branch(deploy.repository, deploy.branch);
  const action = deployAct(deploy.name);
  for (const gate of liveGates(store)) {
    if (gate.action !== action) continue;
    const over = gate.commit === commit ? whyOver(gate, clock.now()) : `${deploy.branch} has a newer commit`;
    if (over !== undefined) closeGate(store, gate, over, "harness", clock.now());
  }
  if (commit === undefined || commit !== pull.mergedSha || !commitPattern.test(commit)) return undefined;
  const approvers = deploy.approvers.length === 0 ? undefined : deploy.approvers;
  const { number, author } = pull;
  const wish = { action, kinds: [deploy.kind], approvers, run, repo: deploy.repository, number, commit };
  const whole = { ...wish, author: author.login, lenses: [], ...(place && { place }) };
  return wishGate(store, whole, clock.now(), policy.expireHours);
}

function backs(store: Store, { name }: Deploy, repo: string, number: number): Gate[] {
  return liveGates(store).filter(
    (gate) => gate.action === backAct(name) && gate.repo.toLowerCase() === repo.toLowerCase() && gate.number === number,
  );
}

function ask({ config, store, clock }: DeployParts, run: string, { name, host }: Deploy, gate: Gate) {
  // A way back is taken by a word of its own, and what failed was told.
  if (gate.state !== "asked" || isBack(gate)) return undefined;
  if ((store.meta(`gate-told:${gate.id}`) ?? run) !== run) return undefined;
  gateAsked(store, gate, { askedIn: run }, clock.now());
  store.setMeta(`gate-told:${gate.id}`, run);
  return `${whoMay(config, gate)}: deploy \`${name}\` on ${host.name}, at \`${short(gate.commit)}\` (#${gate.number})? It waits for an approval (${gate.kinds.join(", ")}): :+1: on this post, or \`!approve ${gate.id}\``;
}

async function act(parts: DeployParts, run: string, deploy: Deploy, gate: Gate, signal: AbortSignal): Promise<string> {
  const { store, clock, config } = parts;
  const back = isBack(gate);
  const what = `${back ? "Going back" : "The deployment"} of \`${deploy.name}\` to \`${short(gate.commit)}\``;
  const word = back ? "" : ` To begin it again: \`!approve ${gate.id}\`.`;
  if (gate.begun !== undefined) {
    gateAgain(store, gate, "stopped while it ran", clock.now());
    return `I was stopped during it: how ${what.toLowerCase()} ended is not known. Look at ${deploy.host.name}.${word}`;
  }
  gateBegun(store, gate, clock.now());
  const keyFile = (back ? deploy.backKeyFile : undefined) ?? deploy.keyFile;
  const path = secretPath(keyFile, config.dataDir);
  let called: Called;
  let key: Secret;
  try {
    key = new Secret(keyFile, await readFile(path, "utf8"));
    called = await callHost(deploy, path, gate.commit, signal);
  } catch (error) {
    signal.throwIfAborted();
    gateAgain(store, gate, messageOf(error), clock.now());
    return `${what} could not begin: ${messageOf(error)}.${word}`;
  }
  const output = maskSecrets(called.output, [key]);
  const before = /^before: ([0-9a-f]{40})$/m.exec(output.slice(0, 200))?.[1];
  return store.transaction(() => {
    const evidence = {
      gate: gate.id,
      opened: gate.openedBy,
      host: deploy.host.name,
      code: called.code ?? "too long",
      sha256: createHash("sha256").update(called.output).digest("hex"),
    };
    const record = { kind: "act", actor: "harness", what: gate.action, subject: about(gate), run: gate.run } as const;
    audit(store, { ...record, evidence }, clock.now());
    const known = before === undefined || before === gate.commit ? gate : gateBefore(store, gate, before, clock.now());
    if (called.code === 0) gateDone(store, known, { host: deploy.host.name }, clock.now());
    else gateAgain(store, known, `exit code ${called.code ?? "none"}`, clock.now());
    const ended =
      called.code === 0
        ? `is done, approved by ${gate.openedBy}.`
        : called.code === undefined
          ? `took more than ${deploy.minutes} minutes, and was left.${word}`
          : `**failed** (exit code ${called.code}).${word}`;
    const way = known.before === undefined || back ? "" : backTo(known.before, known.id);
    const text = `${what} on ${deploy.host.name} ${ended}${way}\n\n${shownOutput(output, called.bytes)}`;
    store.setMeta(`deploy-said:${run}`, text);
    return text;
  });
}

const short = (commit: string): string => commit.slice(0, 10);
const backTo = (commit: string, gate: string): string => ` The way back to \`${short(commit)}\`: \`!back ${gate}\`.`;

/** The end of an output. */
function shownOutput(output: string, bytes: number): string {
  const text = output.trim();
  if (text === "") return "It printed nothing.";
  const cut = text.length > shown ? `(the end of ${bytes} bytes)\n${text.slice(-shown)}` : text;
  return fenced(cut, "text");
}
