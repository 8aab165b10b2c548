import { describe, expect, it } from "vitest";
import type { Host } from "../team/hosts.ts";
import { chooseHosts, refuseHostsAsRoles } from "./role-hosts.ts";

const host = (name: string, kind: Host["kind"]): Host => ({ name, kind }) as Host;
const hosts = [host("athena", "agent"), host("ares", "agent"), host("agora", "service"), host("r420", "hypervisor")];
const names = (words: string | undefined, all = false): string[] =>
  chooseHosts(hosts, words, all).map(({ name }) => name);

describe("which hosts are meant", () => {
  it("takes names, globs and groups, in the order of the team file", () => {
    expect(names("agora,athena")).toEqual(["athena", "agora"]);
    expect(names("a*a")).toEqual(["athena", "agora"]);
    expect(names("agents,r420")).toEqual(["athena", "ares", "r420"]);
    expect(names(undefined, true)).toEqual(["athena", "ares", "agora", "r420"]);
  });

  it("never means all because none was named", () => {
    expect(() => names(undefined)).toThrow("No host is named");
    expect(() => names("")).toThrow("No host is named");
    expect(() => names("athen")).toThrow(
      expect.objectContaining({ code: "E-UNKNOWN", hint: expect.stringContaining("athena") }),
    );
  });

  it("recognises options that npm took for itself", () => {
    expect(() => refuseHostsAsRoles(["agent", "athena"], hosts, "reset")).toThrow(
      expect.objectContaining({ exit: 1, hint: expect.stringContaining("npm run role -- reset agent --host athena") }),
    );
    expect(() => refuseHostsAsRoles(["agent", "athena", "my/team.yaml"], hosts, "reset")).toThrow(
      expect.objectContaining({ hint: expect.not.stringContaining("team.yaml") }),
    );
    expect(() => refuseHostsAsRoles(["agent"], hosts, "reset")).not.toThrow();
  });
});
