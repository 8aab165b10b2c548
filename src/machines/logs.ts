import { quote } from "../base/quote.ts";
import type { Host } from "../team/hosts.ts";

const serviceUnits: Readonly<Record<string, readonly string[]>> = {
  chat: ["mattermost", "postgresql@*"],
  rehearsal: ["olympus-rehearsal"],
  forge: ["olympus-forge"],
};

/** The units that matter most on a host: what it is there for. */
export function mainUnits(host: Host): string[] {
  if (host.kind === "hypervisor") return ["libvirtd", "virtqemud"];
  const services = host.machine?.service?.services ?? [];
  return [
    ...(host.kind === "agent" ? [host.machine?.agent?.runtime === "openclaw" ? "openclaw" : "olympus-agent"] : []),
    ...services.flatMap((service) => serviceUnits[service] ?? []),
  ];
}

export interface JournalOptions {
  readonly units: readonly string[];
  /** How far back. */
  readonly lines: number;
  readonly follow: boolean;
}

/** Pure: the command line by which root reads a host's journal. */
export function journalCommand({ units, lines, follow }: JournalOptions): string {
  return [
    "journalctl --no-pager -q -o short-iso",
    `-n ${lines}`,
    ...units.map((unit) => `-u ${quote(unit)}`),
    ...(follow ? ["-f"] : []),
  ].join(" ");
}
