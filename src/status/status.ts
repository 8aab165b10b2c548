import type { SecretStore } from "../../secrets/store.ts";
import { messageOf } from "../base/errors.ts";
import { readInventory } from "../libvirt/inventory.ts";
import { teamPrefix } from "../machines/names.ts";
import { hypervisorTarget } from "../machines/targets.ts";
import { connectSsh } from "../ssh/connect.ts";
import { type Host, listHosts } from "../team/hosts.ts";
import type { LoadedTeam } from "../team/model.ts";

/** What one host answered when it was asked. */
export interface HostStatus {
  readonly name: string;
  readonly kind: Host["kind"];
  readonly state: "fine" | "broken" | "unreachable";
  /** In words: "connected, 0 waiting", "SSH refused". */
  readonly detail: string;
  /** How to look closer; empty when all is well. */
  readonly next: string;
}

const askTimeoutMs = 5_000;

/** Asks every host itself, side by side: agents and services over HTTP, hypervisors over SSH. A dead host costs its timeout, no more. */
export async function teamStatus(team: LoadedTeam, secrets: SecretStore, signal: AbortSignal): Promise<HostStatus[]> {
  return Promise.all(listHosts(team).map((host) => askHost(host, team, secrets, signal)));
}

async function askHost(host: Host, team: LoadedTeam, secrets: SecretStore, signal: AbortSignal): Promise<HostStatus> {
  const base = { name: host.name, kind: host.kind };
  try {
    const { detail, fine } =
      host.kind === "hypervisor" ? await askHypervisor(host, team, secrets, signal) : await askHttp(host, signal);
    return { ...base, state: fine ? "fine" : "broken", detail, next: fine ? "" : `olympus logs ${host.name}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { ...base, state: "unreachable", detail: messageOf(cause), next: `olympus doctor ${host.name}` };
  }
}

/** Health addresses by what a machine carries. */
function healthUrls(host: Host): string[] {
  const services = host.machine?.service?.services ?? [];
  return [
    ...(host.kind === "agent" ? [`http://${host.address}:18789/readyz`] : []),
    ...(services.includes("chat") ? [`http://${host.address}:8065/api/v4/system/ping`] : []),
    ...(services.includes("rehearsal") ? [`http://${host.address}:18780/healthz`] : []),
  ];
}

async function askHttp(host: Host, signal: AbortSignal): Promise<{ detail: string; fine: boolean }> {
  const answers = await Promise.all(
    healthUrls(host).map(async (url) => {
      const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(askTimeoutMs)]) });
      await response.body?.cancel();
      return { ok: response.ok, text: `${new URL(url).port} ${response.ok ? "answers" : `says ${response.status}`}` };
    }),
  );
  return { fine: answers.every(({ ok }) => ok), detail: answers.map(({ text }) => text).join(", ") };
}

async function askHypervisor(
  host: Host,
  team: LoadedTeam,
  secrets: SecretStore,
  signal: AbortSignal,
): Promise<{ detail: string; fine: boolean }> {
  const hypervisor = team.hypervisors.find(({ name }) => name === host.name)!;
  const target = { ...hypervisorTarget(team, secrets, hypervisor), connectTimeoutMs: askTimeoutMs };
  const connection = await connectSsh(target, signal);
  try {
    const { pool, bridge } = hypervisor;
    const inventory = await readInventory(connection, { pool, bridge, prefix: teamPrefix(team.name) });
    const running = inventory.domains.filter(({ state }) => state === "running").map(({ name }) => name);
    const wanted = team.machines.filter((machine) => machine.hypervisor === host.name).map(({ name }) => name);
    const stopped = wanted.filter((name) => !running.includes(`${teamPrefix(team.name)}${name}`));
    return stopped.length === 0
      ? { fine: true, detail: `${wanted.length} VMs running` }
      : { fine: false, detail: `not running: ${stopped.join(", ")}` };
  } finally {
    connection.close();
  }
}
