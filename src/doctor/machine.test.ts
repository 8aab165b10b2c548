import { describe, expect, it } from "vitest";
import { machineChecks } from "./machine.ts";

const failing = (stdout: string): string[] =>
  machineChecks("athena", stdout)
    .filter(({ state }) => state === "fail")
    .map(({ name, fact, fix }) => `${name}: ${fact}; ${fix}`);

describe("a machine", () => {
  it.each([
    ["after its first start", "done"],
    ["after a restart, when cloud-init stays away", "disabled"],
  ])("is fine %s", (_, cloudInit) => {
    expect(failing(`${cloudInit}\n\n3000\n`)).toEqual([]);
  });

  it("is not when its first start failed, a unit failed, or its data disk is away", () => {
    expect(failing("error\nssh.service cron.service\n\n")).toEqual([
      "cloud-init: error; there: cloud-init status --long",
      "units: failed: ssh.service cron.service; there: journalctl -u ssh.service",
      "data: /srv/olympus is not mounted; there: lsblk -f",
    ]);
    expect(failing("\n\n0\n")).toEqual([
      "cloud-init: no answer; there: cloud-init status --long",
      "data: /srv/olympus, 0 MB free; a larger data disk in the team file, then: npx olympus up",
    ]);
  });
});
