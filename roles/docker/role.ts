import { z } from "zod";
import { exitCodes, OlympusError } from "../../src/base/errors.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";
import { adminNetworks } from "../../src/team/connectivity.ts";
import { networkOf } from "../../src/team/ipv4.ts";
import { beforePackages, beforeRemoval } from "./cleanup.ts";
import { publishedPorts } from "./rules.ts";
import { type DockerSource, dockerSource, sourceOperations } from "./source.ts";

const params = z.strictObject({
  /** `official` are Docker's own packages, `registries` the distribution's. */
  source: z.enum(["official", "registries"]).default("official"),
  /** Logins that may use Docker. Each of them is root by that. */
  members: z.array(z.string()).default([]),
  /** Address that a port is published on when its container names none. */
  publish: z.ipv4().default("127.0.0.1"),
  /** Networks of containers are made in it. */
  addresses: z.cidrv4("Write a network such as 172.28.0.0/14.").default("172.28.0.0/14"),
});

interface Inputs {
  readonly packages: DockerSource | undefined;
  /** Who may reach published ports; undefined where the role firewall says it. */
  readonly networks: readonly string[] | undefined;
}

export const role = defineRole<z.output<typeof params>, Inputs>({
  name: "docker",
  summary: "Docker, its published ports closed to outsiders",
  requires: [{ role: "base", on: "host" }],
  params,
  data: { containers: "images, containers and volumes in /var/lib/docker" },

  async inputs({ team, host, reporter, signal }, { source, members, addresses }) {
    const logins = [
      host.user,
      ...Object.keys(team.team.people).filter((name) => team.team.people[name]!.keys.length > 0),
    ];
    const strange = members.find((name) => !logins.includes(name));
    if (strange !== undefined) {
      throw refused(
        `${strange} may not use Docker: it is not a person's login on ${host.name}.`,
        `These are: ${logins.join(", ")}. Programs never belong there: whoever uses Docker is root.`,
      );
    }
    const [ours, containers] = [networkOf(team.team.network.cidr), networkOf(addresses)];
    if (
      ours !== undefined &&
      containers !== undefined &&
      ours.first <= containers.last &&
      containers.first <= ours.last
    ) {
      throw refused(
        `The containers' networks (${addresses}) and the team's (${team.team.network.cidr}) overlap.`,
        "Give the role other addresses:  roles: { docker: { addresses: 172.20.0.0/16 } }",
      );
    }
    for (const name of members) {
      reporter.warn(
        `${host.name}: ${name} may use Docker, and is root there by that: a container can mount the whole disk`,
      );
    }
    return {
      packages: source === "official" ? await dockerSource(host, signal) : undefined,
      networks: "firewall" in host.roles ? undefined : [...new Set([...adminNetworks(team), team.team.network.cidr])],
    };

    function refused(message: string, hint: string): OlympusError {
      return new OlympusError(message, {
        code: "E-DOCKER-PARAMS",
        exit: exitCodes.usage,
        where: team.where?.([host.kind === "agent" ? "agents" : "services", host.name, "roles", "docker"]) ?? host.name,
        hint,
      });
    }
  },

  setup({ packages, networks }, { members, publish, addresses }): Operation[] {
    const names = packages === undefined ? ["docker.io"] : ["docker-ce", "docker-ce-cli", "containerd.io"];
    return [
      { kind: "directory", id: "data", path: "/var/lib/docker", mode: "0710", data: "containers", tree: true },
      {
        kind: "directory",
        id: "data-containerd",
        path: "/var/lib/containerd",
        mode: "0700",
        data: "containers",
        tree: true,
      },
      beforePackages,
      { kind: "group", id: "group", name: "docker", system: true },
      { kind: "directory", id: "etc-docker", path: "/etc/docker" },
      // containerd makes these itself, and nobody takes them away.
      { kind: "directory", id: "etc-cni", path: "/etc/cni" },
      { kind: "directory", id: "etc-cni-net", path: "/etc/cni/net.d", mode: "0700" },
      {
        kind: "file",
        id: "daemon",
        path: "/etc/docker/daemon.json",
        content: `${JSON.stringify(daemonSettings(publish, addresses), undefined, 2)}\n`,
        restarts: ["docker.service"],
      },
      {
        // Debian's own service empties all tables of the kernel when it starts: Docker has to write its rules again then.
        kind: "drop-in",
        id: "after-tables",
        unit: "docker.service",
        content: "[Unit]\nAfter=nftables.service\nPartOf=nftables.service\n",
      },
      ...(packages === undefined ? [] : sourceOperations(packages)),
      // Where the kernel has AppArmor, Docker starts no container without its parser.
      { kind: "package", id: "packages", names: [...names, "iptables", "apparmor"] },
      beforeRemoval,
      ...(networks === undefined ? [] : publishedPorts(networks, addresses)),
      ...members.map((name): Operation => ({ kind: "user", id: `member-${name}`, name, groups: ["docker"] })),
    ];
  },
});

function daemonSettings(publish: string, addresses: string): Record<string, unknown> {
  const [first] = addresses.split("/");
  return {
    ip: publish,
    bip: `${first!.replace(/\d+$/, "1")}/24`,
    "default-address-pools": [{ base: addresses, size: 24 }],
    "live-restore": true,
    "no-new-privileges": true,
    "log-driver": "local",
    "log-opts": { "max-size": "10m", "max-file": "5" },
  };
}
