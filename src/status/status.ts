import type { SecretStore } from "../../secrets/store.ts";
import { messageOf } from "../base/errors.ts";
import { trustTeamAuthority } from "../bootstrap/trust.ts";
import { chatByTeamAuthority, chatSpeaksTls } from "../bootstrap/url.ts";
import type { Drift } from "../converge/drift.ts";
import { type Inventory, type InventoryOptions, readInventory } from "../libvirt/inventory.ts";
import { sshTargetOf } from "../machines/find.ts";
import { teamPrefix } from "../machines/names.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection, SshTarget } from "../ssh/connection.ts";
import { forgePort } from "../team/forge.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";
import { mustKnow } from "../team/unknown.ts";
import { type AgentFacts, askAgent } from "./agent.ts";
import { knownDrifts } from "./drifts.ts";
import { askOpenclaw, runsOpenclaw } from "./openclaw.ts";
import { oneConnection, saidNothing, whyUnreached } from "./reach.ts";

/** What one host answered when it was asked. */
export interface HostStatus {
  readonly name: string;
  readonly kind: Host["kind"];
  /** `attention`: it works, and somebody should look nevertheless: over budget, paused. */
  readonly state: "fine" | "attention" | "broken" | "unreachable";
  /** In words: "Mattermost: answers", "agent: not reachable, nothing listens on 10.220.1.50:18789". */
  readonly detail: string;
  /** How to look closer; empty when all is well. */
  readonly next: string;
  /** Of an agent that answered. */
  readonly agent?: AgentFacts;
  /** Of a hypervisor that answered: its machines of the team by name, as libvirt has them (`running`, `shut off`). */
  readonly machines?: Readonly<Record<string, string>>;
  /** As `role check` found it last from this computer; missing where nobody looked. */
  readonly drift?: Drift;
}

const askTimeoutMs = 5_000;
/** For all that a host is asked in a round: what goes quiet half-way must not keep those that ask again from anybody. */
const hostTimeoutMs = 30_000;

/**
 * Asks every host itself, or only those named, side by side: agents and services over HTTP, hypervisors over SSH. A dead host costs its
 * timeout, no more, and one that answers oddly is `broken`. `told` hears of each as it answers. `hostMs`: what each is given for all.
 * Throws E-UNKNOWN for a name that is none.
 */
export async function teamStatus(
  team: LoadedTeam,
  secrets: SecretStore,
  signal: AbortSignal,
  names: readonly string[] = [],
  told: (status: HostStatus) => void = () => undefined,
  hostMs = hostTimeoutMs,
): Promise<HostStatus[]> {
  const hosts = listHosts(team);
  if (chatByTeamAuthority(team)) trustTeamAuthority(secrets);
  const known = hosts.map(({ name }) => name);
  for (const name of names) mustKnow("host", name, known, team.file);
  const drifts = knownDrifts(team.name);
  const meant = hosts.filter(({ name }) => names.length === 0 || names.includes(name));
  return Promise.all(
    meant.map(async (host) => {
      const status = withDrift(await askHost(host, { team, secrets, signal }, hostMs), drifts.get(host.name));
      told(status);
      return status;
    }),
  );
}

/** Pure. A host that is fine and is not as the team file wishes needs a look. */
export function withDrift(status: HostStatus, drift: Drift | undefined): HostStatus {
  if (drift === undefined) return status;
  if (drift.pending === 0 || status.state !== "fine") return { ...status, drift };
  const changes = drift.pending === 1 ? "1 change" : `${drift.pending} changes`;
  const detail = `${status.detail}; drift: ${changes} by hand or to be set up`;
  return { ...status, state: "attention", detail, next: `npx olympus role check --host ${status.name}`, drift };
}

/** What asking a host takes, and whoever gives it up. */
interface Asking {
  readonly team: LoadedTeam;
  readonly secrets: SecretStore;
  readonly signal: AbortSignal;
  /** Told what is asked for from now on, in words, and what is known by then. */
  readonly part: (name: string, known?: Answer) => void;
}

/** Whatever a host does, it is told in words; throws only the signal's reason. */
async function askHost(host: Host, asking: Omit<Asking, "part">, hostMs: number): Promise<HostStatus> {
  const base = { name: host.name, kind: host.kind };
  const next = `npx olympus doctor ${host.name}`;
  const late = AbortSignal.timeout(hostMs);
  const signal = AbortSignal.any([asking.signal, late]);
  let part = host.kind === "agent" ? "agent" : "services";
  let known: Answer | undefined;
  const asked = askParts(host, {
    ...asking,
    signal,
    part: (name, answer) => {
      part = name;
      known = answer;
    },
  });
  try {
    return { ...base, ...(await Promise.race([asked, rejectedBy(signal)])) };
  } catch (error) {
    asking.signal.throwIfAborted();
    if (late.aborted) {
      const silent = `${part}: no answer within ${hostMs / 1000} s`;
      if (known !== undefined && known.state !== "fine") return { ...base, ...withProblem(known, silent, next) };
      return { ...base, state: "unreachable", detail: silent, next };
    }
    return { ...base, state: "broken", detail: `${part}: its answer cannot be read: ${firstLine(error)}`, next };
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

const firstLine = (error: unknown): string => messageOf(error).split("\n")[0]!;

async function askParts(host: Host, asking: Asking): Promise<Answer> {
  const { team, secrets, signal, part } = asking;
  if (host.kind === "hypervisor") return withBackups(await askHypervisor(host, asking), host, asking);
  if (runsOpenclaw(host)) {
    part("OpenClaw");
    const connect = () => connectSsh(targetIn(team, secrets, host.name), signal);
    return withBackups(await askOpenclaw(host.name, connect, signal), host, asking);
  }
  const answer = host.machine?.agent === undefined ? await askServices(host, signal) : await askAgentOf(host, asking);
  return withBackups(answer, host, asking);
}

/** Something on a machine that answers over HTTP. */
interface Part {
  /** What a person calls it: "Mattermost". */
  readonly name: string;
  readonly url: string;
  /** What it means when it answers with an error. */
  readonly unwell: string;
}

function partsOf(host: Host): Part[] {
  const services = host.machine?.service?.services ?? [];
  const at = (port: number, path: string, scheme = "http"): string => `${scheme}://${host.address}:${port}${path}`;
  const chatScheme = chatSpeaksTls(host) ? "https" : "http";
  return [
    ...(services.includes("chat")
      ? [
          {
            // Its database too: without asking for it, it says OK while PostgreSQL is away.
            name: "Mattermost with PostgreSQL",
            url: at(8065, "/api/v4/system/ping?get_server_status=true", chatScheme),
            unwell: "runs, but is not well",
          },
        ]
      : []),
    ...(services.includes("rehearsal")
      ? [{ name: "rehearsal model", url: at(18780, "/healthz"), unwell: "runs, but is not well" }]
      : []),
    ...(services.includes("forge")
      ? [{ name: "rehearsal forge", url: at(forgePort, "/healthz"), unwell: "runs, but is not well" }]
      : []),
  ];
}

type Answer = Omit<HostStatus, "name" | "kind">;
/** `silent`: SSH would not answer either, or did not. */
type Asked = Answer & { readonly silent?: boolean };

async function askAgentOf(host: Host, { secrets, signal }: Asking): Promise<Asked> {
  const { facts, next, ...answer } = await askAgent(host.machine!, secrets, signal);
  return {
    ...answer,
    next: next === "" ? "" : `npx olympus ${next} ${host.name}`,
    ...(facts === undefined ? {} : { agent: facts }),
  };
}

async function askServices(host: Host, signal: AbortSignal): Promise<Asked> {
  const answers = await Promise.all(partsOf(host).map((part) => askPart(part, signal)));
  const worst = (["unreachable", "broken"] as const).find((state) => answers.some((one) => one.state === state));
  const told = worst === undefined ? answers : answers.filter(({ state }) => state !== "fine");
  // A machine that is off is one reason, not one for each thing on it.
  const detail = [...Map.groupBy(told, ({ how }) => how)]
    .map(([how, parts]) => `${parts.map(({ name }) => name).join(" and ")}: ${how}`)
    .join("; ");
  if (worst === undefined) return { state: "fine", detail, next: "" };
  // What listens nowhere, or nobody, is first of all a question of the machine.
  const next = `npx olympus ${worst === "broken" ? "logs" : "doctor"} ${host.name}`;
  return { state: worst, detail, next, silent: answers.every((one) => one.silent) };
}

async function askPart(
  { name, url, unwell }: Part,
  signal: AbortSignal,
): Promise<{ name: string; state: HostStatus["state"]; how: string; silent?: boolean }> {
  try {
    const response = await fetch(url, {
      headers: oneConnection,
      signal: AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]),
    });
    await response.body?.cancel();
    if (response.ok) return { name, state: "fine", how: "answers" };
    return { name, state: "broken", how: `${unwell} (HTTP ${response.status})` };
  } catch (error) {
    signal.throwIfAborted();
    const why = whyUnreached(error, new URL(url).host, askTimeoutMs / 1000);
    return { name, state: "unreachable", how: `not reachable, ${why}`, silent: saidNothing(error) };
  }
}

/** Asked only where the team file has backups, and of a host that says anything: also of one whose service nobody answers for. */
async function withBackups(asked: Asked, host: Host, { team, secrets, signal, part }: Asking): Promise<Answer> {
  const { silent = false, ...answer } = asked;
  if (silent || host.roles.backup?.to === undefined) return answer;
  part("backups", answer);
  const { backupAge, backupProblem } = await import("../backup/backup.ts");
  const maxAge = Number(host.roles.backup.maxAgeDays ?? defaultMaxAgeDays);
  const next = `npx olympus backup now ${host.name}`;
  try {
    const connect = (to: SshTarget) => connectSsh({ ...to, connectTimeoutMs: askTimeoutMs }, signal);
    const age = await backupAge({ team, secrets, signal, connect }, host.name);
    const problem = backupProblem(age, maxAge, Date.now());
    const verified = age.verified?.toISOString().slice(0, 16).replace("T", " ");
    if (problem === undefined) return { ...answer, detail: `${answer.detail}; backup verified ${verified} UTC` };
    return withProblem(answer, problem, next);
  } catch (error) {
    signal.throwIfAborted();
    return withProblem(answer, `its backups cannot be asked for: ${firstLine(error)}`, next);
  }
}

/** Pure. A host with something broken beside what it said itself: what is worst comes first, and says what to do. */
export function withProblem<T extends Pick<HostStatus, "state" | "detail" | "next">>(
  answer: T,
  problem: string,
  next: string,
): T {
  const { state, detail } = answer;
  if (state === "broken" || state === "unreachable") return { ...answer, detail: `${detail}; ${problem}` };
  return { ...answer, state: "broken", detail: state === "fine" ? problem : `${problem}; ${detail}`, next };
}

/** As the role has it. */
const defaultMaxAgeDays = 2;

async function askHypervisor(host: Host, { team, secrets, signal, part }: Asking): Promise<Asked> {
  const { pool, bridge } = team.hypervisors.find(({ name }) => name === host.name)!;
  const prefix = teamPrefix(team.name);
  let connection: SshConnection | undefined;
  try {
    part("SSH");
    connection = await connectSsh(targetIn(team, secrets, host.name), signal);
    signal.addEventListener("abort", connection.close, { once: true });
    part("libvirt");
    const inventory = await readInventory(connection, { pool, bridge, prefix });
    const wanted = team.machines.filter((machine) => machine.hypervisor === host.name).map(({ name }) => name);
    const machines = Object.fromEntries(inventory.domains.map(({ name, state }) => [name.slice(prefix.length), state]));
    const { next, ...found } = stateOfHypervisor(inventory, { pool, bridge, prefix }, wanted);
    return { ...found, machines, next: next === "" ? "" : `npx olympus ${next} ${host.name}` };
  } catch (error) {
    signal.throwIfAborted();
    const next = `npx olympus doctor ${host.name}`;
    return { state: "unreachable", detail: messageOf(error), next, silent: connection === undefined };
  } finally {
    connection?.close();
  }
}

const targetIn = (team: LoadedTeam, secrets: SecretStore, name: string): SshTarget => ({
  ...sshTargetOf(team, secrets, name),
  connectTimeoutMs: askTimeoutMs,
});

/** Pure. VMs that run for now do not make up for what their next start will miss. */
export function stateOfHypervisor(
  { domains, ...has }: Inventory,
  { pool, bridge, prefix }: InventoryOptions,
  wanted: readonly string[],
): Pick<HostStatus, "state" | "detail"> & { next: "" | "doctor" | "up" } {
  const running = domains.filter(({ state }) => state === "running").map(({ name }) => name);
  const stopped = wanted.filter((name) => !running.includes(`${prefix}${name}`));
  const lacks: string[] = [];
  if (has.pool === undefined) lacks.push(`it has no pool ${pool}`);
  else if (!has.pool) lacks.push(`its pool ${pool} is not active`);
  if (!has.bridge) lacks.push(`it has no bridge ${bridge}`);
  const wrong = [...lacks, ...(stopped.length === 0 ? [] : [`not running: ${stopped.join(", ")}`])];
  if (wrong.length > 0) {
    return { state: "broken", detail: wrong.join("; "), next: lacks.length > 0 ? "doctor" : "up" };
  }
  return { state: "fine", detail: wanted.length === 1 ? "its VM runs" : `its ${wanted.length} VMs run`, next: "" };
}
