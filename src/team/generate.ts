import { stringify } from "yaml";
import { addressNumber, addressText } from "./ipv4.ts";

/** How a generated team is made; the same settings give the same team. */
export interface GenerateOptions {
  readonly agents: number;
  /** Hypervisors to spread them over; enough for medium VMs unless given. */
  readonly hypervisors?: number;
  readonly name?: string;
}

/** A medium VM takes 16 of 128 GB and 250 of 4000 GB: seven leave room for services and the host. */
const perHypervisor = 7;

/** The text of a sound team file with that many agents, a service and ten people, for benchmarks and tests. */
export function generateTeam({ agents, hypervisors, name = "generated" }: GenerateOptions): string {
  const hosts = hypervisors ?? Math.ceil((agents + 1) / perHypervisor);
  const address = (index: number): string => addressText(addressNumber("10.220.0.0")! + index);
  const host = (index: number): string => `h${index + 1}`;
  const entries = <T>(count: number, entry: (index: number) => [string, T]): Record<string, T> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)));

  return stringify({
    name,
    network: { cidr: "10.220.0.0/16", gateway: address(1), resolvers: [address(1)], admin: ["10.221.0.0/24"] },
    hypervisors: entries(hosts, (index) => [
      host(index),
      { address: address(10 + index), memory: "128 GB", disk: "4 TB", cpus: 32 },
    ]),
    defaults: {
      models: [{ provider: "anthropic", model: "claude-sonnet-4-5", price: { input: 3, output: 15 } }],
      budget: { run: 1, day: 2.5 },
    },
    agents: entries(agents, (index) => [
      `agent-${index + 1}`,
      {
        on: host(index % hosts),
        address: address(512 + index),
        template: index % 5 === 0 ? "light" : "medium",
        duties: ["development", "review"],
        lenses: ["testing"],
        persona: `You are agent ${index + 1} of ${agents}.\nYou write small changes with a test for each.`,
        email: `agent-${index + 1}@olympus.example`,
      },
    ]),
    services: {
      agora: { on: host(hosts - 1), address: address(300), template: "light", services: ["chat"] },
    },
    teams: { olympus: { display: "Olympus", channels: ["olympus", "operations", "dev"] } },
    people: entries(10, (index) => [
      `person-${index + 1}`,
      { email: `person-${index + 1}@olympus.example`, command: true, approve: ["merge"], admin: index === 0 },
    ]),
    connectivity: [
      { from: "agents", to: "chat", protocol: "http", port: 8065, purpose: "team communication" },
      { from: "admin", to: "agents", protocol: "ssh", port: 22, purpose: "administration" },
    ],
    policy: { budget: { day: agents * 2.5 } },
  });
}
