import { describe, expect, it } from "vitest";
import { Secret } from "../base/secret.ts";
import type { SshTarget } from "../ssh/connection.ts";
import { setInText } from "../team/edit.ts";
import type { LoadedTeam } from "../team/model.ts";
import { chooseMachines } from "./choose.ts";
import { parseDataDisks } from "./destroy.ts";
import { journalCommand } from "./logs.ts";
import { sshWords } from "./ssh-command.ts";

const team = {
  file: "/team.yaml",
  hypervisors: [{ name: "r420" }, { name: "r720xd" }],
  machines: [
    { name: "athena", hypervisor: "r420" },
    { name: "apollo", hypervisor: "r420" },
    { name: "agora", hypervisor: "r720xd" },
  ],
} as unknown as LoadedTeam;

describe("chooseMachines", () => {
  it("sorts machines by hypervisor, and takes a hypervisor whole", () => {
    expect(chooseMachines(team, ["agora", "athena"], false)).toEqual([
      { hypervisor: "r420", machines: ["athena"] },
      { hypervisor: "r720xd", machines: ["agora"] },
    ]);
    expect(chooseMachines(team, ["athena", "r420"], false)).toEqual([{ hypervisor: "r420", machines: undefined }]);
  });
  it("never takes no name for all", () => {
    expect(() => chooseMachines(team, [], false)).toThrow(/or --all \(3 machines\)/);
    expect(chooseMachines(team, [], true)).toHaveLength(2);
  });
  it("names the nearest for a name that is none", () => {
    expect(() => chooseMachines(team, ["athene"], false)).toThrow(/unknown machine or hypervisor "athene"/);
  });
});

describe("parseDataDisks", () => {
  it("finds the team's data disks and nothing else", () => {
    const table = [
      " Name                        Path                                                Type   Capacity    Allocation",
      "-------------------------------------------------------------------------------------------------------------",
      " lab.athena.data.qcow2       /var/lib/libvirt/images/lab.athena.data.qcow2       file   4.00 GiB    12.30 MiB",
      " lab.athena.root.0a1b.qcow2  /var/lib/libvirt/images/lab.athena.root.0a1b.qcow2  file   8.00 GiB    1.30 GiB",
      " other.athena.data.qcow2     /var/lib/libvirt/images/other.athena.data.qcow2     file   4.00 GiB    12.30 MiB",
    ].join("\n");
    expect(parseDataDisks("lab", "r420", table)).toEqual([
      { machine: "athena", hypervisor: "r420", volume: "lab.athena.data.qcow2", size: "4.00 GiB", used: "12.30 MiB" },
    ]);
  });
});

describe("sshWords", () => {
  const target: SshTarget = {
    name: "athena",
    address: "10.220.1.50",
    port: 22,
    user: "agent",
    hostKey: "ssh-ed25519 AAAA",
    pinnedIn: "here",
    privateKey: new Secret("ssh.deploy.private", "key"),
  };
  const files = { key: "/run/id", knownHosts: "/run/known_hosts" };

  it("takes nothing from the user's own configuration and verifies the host", () => {
    const words = sshWords(target, files, [], true).join(" ");
    expect(words).toMatch(/^-F \/dev\/null /);
    expect(words).toContain("StrictHostKeyChecking=yes");
    expect(words).toMatch(/-t agent@10\.220\.1\.50$/);
  });
  it("hands one word over as a line, and several as they are", () => {
    expect(sshWords(target, files, ["ls | wc -l"], false).slice(-2)).toEqual(["--", "ls | wc -l"]);
    expect(sshWords(target, files, ["echo", "a  b", "$HOME", "it's"], false).slice(-4)).toEqual([
      "echo",
      "'a  b'",
      "'$HOME'",
      "'it'\\''s'",
    ]);
  });
});

describe("journalCommand", () => {
  it("quotes what a shell would take apart", () => {
    expect(journalCommand({ units: ["mattermost", "postgresql@*"], lines: 5, follow: true })).toBe(
      "journalctl --no-pager -q -o short-iso -n 5 -u mattermost -u 'postgresql@*' -f",
    );
  });
});

describe("a generation in the team file", () => {
  it("is added or raised with every comment and the style kept", () => {
    const text =
      "agents:\n  athena: # the first\n    on: r420 # rack 1\nservices:\n  agora: { on: r720xd, generation: 1 }\n";
    const once = setInText(text, ["agents", "athena", "generation"], 1);
    expect(once).toContain("  athena: # the first\n    on: r420 # rack 1\n    generation: 1\n");
    expect(setInText(once, ["services", "agora", "generation"], 2)).toContain("agora: { on: r720xd, generation: 2 }");
  });
});
