import { z } from "zod";
import type { Operation } from "../converge/operations.ts";
import { defineRole } from "../converge/types.ts";

type Kinds = "package" | "group" | "user" | "directory" | "file" | "line" | "unit";
export type BenchOperation = Extract<Operation, { readonly kind: Kinds }>;

const settings = (number: number): string =>
  Array.from({ length: 20 }, (_, at) => `# setting ${number}.${at}\nkey_${number}_${at} = value-${at * number}\n`).join(
    "",
  );

const packages = [
  ["at", "bc"],
  ["tree", "pv"],
  ["ed", "figlet"],
  ["jq", "dos2unix"],
];
const people = [
  ["pallas", "builders"],
  ["phoebus", "operators"],
  ["watcher", "monitors"],
] as const;
const folders = [
  ["/opt/app", "0755"],
  ["/opt/app/data", "0750"],
  ["/opt/app/releases", "0755"],
  ["/etc/app", "0755"],
  ["/etc/app/conf.d", "0755"],
  ["/var/lib/app", "0750"],
] as const;
const lines = [
  ["/etc/sysctl.d/90-app.conf", "net.ipv4.tcp_syncookies = 1"],
  ["/etc/sysctl.d/90-app.conf", "net.ipv4.conf.all.rp_filter = 1"],
  ["/etc/ssh/sshd_config", "MaxAuthTries 4"],
  ["/etc/ssh/sshd_config", "X11Forwarding no"],
  ["/etc/default/app", "IPV6=yes"],
  ["/etc/security/limits.conf", "pallas soft nofile 65536"],
] as const;
const units = ["ssh.service", "cron.service", "atd.service", "nftables.service"];

/** Files that a tool with templates fills in from one. */
export const templates: readonly string[] = [0, 1, 2].map((at) => `/etc/app/filled-${at}.conf`);

/** The forty operations that every tool is measured with: what a role of ordinary size does. */
export const benchOperations: readonly BenchOperation[] = [
  ...packages.map((names, at): BenchOperation => ({ kind: "package", id: `packages-${at}`, names })),
  ...people.map(([, name]): BenchOperation => ({ kind: "group", id: `group-${name}`, name })),
  ...people.map(
    ([name, group]): BenchOperation => ({
      kind: "user",
      id: `user-${name}`,
      name,
      group,
      shell: "/bin/bash",
      home: `/home/${name}`,
    }),
  ),
  ...folders.map(([path, mode]): BenchOperation => ({ kind: "directory", id: `folder-${path}`, path, mode })),
  ...people.map(
    ([name]): BenchOperation => ({
      kind: "file",
      id: `keys-${name}`,
      path: `/etc/app/${name}.keys`,
      content: `ssh-ed25519 AAAAC3Nza${name} ${name}\n`,
    }),
  ),
  ...Array.from(
    { length: 8 },
    (_, at): BenchOperation => ({
      kind: "file",
      id: `settings-${at}`,
      path: `/etc/app/conf.d/${at}.conf`,
      content: settings(at),
    }),
  ),
  ...templates.map(
    (path, at): BenchOperation => ({
      kind: "file",
      id: `filled-${at}`,
      path,
      mode: "0640",
      content: `name = filled-${at}\n${settings(at + 20)}`,
    }),
  ),
  ...lines.map(([path, line], at): BenchOperation => ({ kind: "line", id: `line-${at}`, path, line })),
  ...units.map((name): BenchOperation => ({ kind: "unit", id: `unit-${name}`, name, enabled: true, running: true })),
];

/** The same as a role. */
export const role = defineRole({
  name: "bench",
  summary: "forty operations to be measured with",
  requires: [],
  params: z.strictObject({}),
  inputs: () => undefined,
  setup: () => [...benchOperations],
});
