import { afterEach, describe, expect, it, vi } from "vitest";
import type { Host } from "../team/hosts.ts";
import { chooseHosts, refuseHostsAsRoles } from "./role-hosts.ts";

const host = (name: string, kind: Host["kind"], hypervisor = "r420"): Host => ({ name, kind, hypervisor }) as Host;
const hosts = [
  host("athena", "agent"),
  host("ares", "agent"),
  host("agora", "service", "r720xd"),
  host("r420", "hypervisor"),
];
const names = (words: string | undefined, all = false): string[] =>
  chooseHosts(hosts, { host: words, all }, "check").map(({ name }) => name);

afterEach(() => vi.unstubAllEnvs());

describe("which hosts are meant", () => {
  it("takes names, globs and groups, in the order of the team file", () => {
    expect(names("agora,athena")).toEqual(["athena", "agora"]);
    expect(names("a*a")).toEqual(["athena", "agora"]);
    expect(names("agents,r420")).toEqual(["athena", "ares", "r420"]);
    expect(names(undefined, true)).toEqual(["athena", "ares", "agora", "r420"]);
  });

  it("limits what was chosen, or chooses by itself: by hypervisor, without some, and those that failed last time", () => {
    const limited = (choice: Parameters<typeof chooseHosts>[1], failed: string[] = []): string[] =>
      chooseHosts(hosts, choice, "check", failed).map(({ name }) => name);
    expect(limited({ limit: "on:r420" })).toEqual(["athena", "ares", "r420"]);
    expect(limited({ all: true, limit: "agents,!ares" })).toEqual(["athena"]);
    expect(limited({ host: "a*", limit: "!agora" })).toEqual(["athena", "ares"]);
    expect(limited({ limit: "@failed" }, ["ares"])).toEqual(["ares"]);
    expect(() => limited({ limit: "!ares" })).toThrow("No host is named");
    expect(() => limited({ all: true, limit: "@failed" })).toThrow("No host failed");
    expect(() => limited({ all: true, limit: "!ared" })).toThrow('unknown host "ared"');
  });

  it("never means all because none was named", () => {
    expect(() => names(undefined)).toThrow("No host is named");
    expect(() => names("")).toThrow("No host is named");
    expect(() => names("athen")).toThrow(
      expect.objectContaining({ code: "E-UNKNOWN", hint: expect.stringContaining("athena") }),
    );
  });

  it("gives what was typed as the example of a host", () => {
    const hinted = (hint: RegExp) =>
      expect.objectContaining({ code: "E-ROLE-HOST", hint: expect.stringMatching(hint) });
    vi.stubEnv("npm_lifecycle_event", "npx");
    expect(() => chooseHosts(hosts, {}, "rollback")).toThrow(
      hinted(/^Name a host, or --all\. npx olympus role rollback --host athena$/),
    );
    vi.stubEnv("npm_lifecycle_event", "role");
    expect(() => chooseHosts(hosts, {}, "setup agent")).toThrow(hinted(/npm run role -- setup agent --host athena$/));
  });

  it("recognises options that npm took for itself, and says nothing of npm to those that did not go through it", () => {
    const refused = (words: string[]) => () => refuseHostsAsRoles(words, hosts, "reset");
    vi.stubEnv("npm_lifecycle_event", "role");
    expect(refused(["agent", "athena"])).toThrow(
      expect.objectContaining({ exit: 1, hint: expect.stringContaining("npm run role -- reset agent --host athena") }),
    );
    expect(refused(["agent", "athena", "my/team.yaml"])).toThrow(
      expect.objectContaining({ hint: expect.not.stringContaining("team.yaml") }),
    );
    expect(refused(["agent"])).not.toThrow();
    for (const event of [undefined, "npx"]) {
      vi.stubEnv("npm_lifecycle_event", event);
      expect(refused(["agent", "athena"])).toThrow(
        expect.objectContaining({ hint: "Hosts are named with --host: npx olympus role reset agent --host athena" }),
      );
    }
  });
});
