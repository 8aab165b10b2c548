import { describe, expect, it } from "vitest";
import { type EngineEvent, machineOfUrn, parseEvent } from "./events.ts";
import { newProgress, takeEvent } from "./progress.ts";

const stack = "urn:pulumi:r420::olympus::pulumi:pulumi:Stack::olympus-r420";
const vm = "urn:pulumi:r420::olympus::olympus:machines:Vm::athena";
const domain = "urn:pulumi:r420::olympus::olympus:machines:Vm$libvirt:index/domain:Domain::athena";
const root = "urn:pulumi:r420::olympus::olympus:machines:Vm$libvirt:index/volume:Volume::athena-root-0a1b";
const image = "urn:pulumi:r420::olympus::libvirt:index/volume:Volume::debian-12-4f1c";

const types = { domain: "libvirt:index/domain:Domain", volume: "libvirt:index/volume:Volume" };

function step(op: string, urn: string, type: string, parent: string) {
  const state = { urn, parent, inputs: {}, outputs: {} };
  return { metadata: { op, urn, type, old: null, new: state } };
}

describe("machineOfUrn", () => {
  it.each([
    ["a component", vm, stack, "athena"],
    ["what is below it, whatever it is called", root, vm, "athena"],
    ["an image, which belongs to all", image, stack, undefined],
    ["a name without a parent", root, undefined, "athena"],
    ["the stack", stack, "", undefined],
  ])("%s", (_, urn, parent, machine) => {
    expect(machineOfUrn(urn, ["athena", "ath"], parent)).toBe(machine);
  });

  it("takes the longest of two names that fit", () => {
    const urn = "urn:pulumi:r420::olympus::libvirt:index/volume:Volume::web-2-data";
    expect(machineOfUrn(urn, ["web", "web-2"])).toBe("web-2");
  });
});

describe("takeEvent", () => {
  const table: [string, EngineEvent, string | undefined][] = [
    ["a root disk", { resourcePreEvent: step("create", root, types.volume, vm) }, "athena: disks"],
    ["an image", { resourcePreEvent: step("create", image, types.volume, stack) }, "image debian-12-4f1c"],
    ["a start", { resourcePreEvent: step("create", domain, types.domain, vm) }, "athena: booting"],
    ["a new start", { resourcePreEvent: step("create-replacement", domain, types.domain, vm) }, "athena: booting"],
    ["a removal", { resourcePreEvent: step("delete-replaced", domain, types.domain, vm) }, "athena: shutting down"],
    ["nothing to do", { resourcePreEvent: step("same", domain, types.domain, vm) }, undefined],
    ["looking", { resourcePreEvent: step("refresh", domain, types.domain, vm) }, undefined],
    ["done", { resOutputsEvent: step("create", domain, types.domain, vm) }, "athena: up"],
    [
      "what a hook tells",
      { diagnosticEvent: { severity: "info", message: "info: [runtime] [olympus] athena: SSH answers\n" } },
      "athena: SSH answers",
    ],
    ["what a provider tells", { diagnosticEvent: { severity: "info", message: "using a plugin" } }, undefined],
  ];
  it.each(table)("%s", (_, event, words) => {
    expect(takeEvent(newProgress(), event, ["athena"])).toBe(words);
  });

  it("keeps apart who is done, who is broken, and how much was changed", () => {
    const progress = newProgress();
    const events: EngineEvent[] = [
      { resOutputsEvent: step("same", domain, types.domain, vm) },
      { diagnosticEvent: { severity: "error", message: "boom\n", urn: root } },
      { summaryEvent: { resourceChanges: { same: 4, create: 2, replace: 1, refresh: 3, read: 1 } } },
    ];
    for (const event of events) takeEvent(progress, event, ["athena"]);
    expect([...progress.finished]).toEqual(["athena"]);
    expect([...progress.broken]).toEqual(["athena"]);
    expect(progress.errors).toEqual([{ machine: "athena", message: "boom" }]);
    expect(progress.changed).toBe(3);
  });
});

describe("parseEvent", () => {
  it("gives nothing for words between events and for a line that was cut off", () => {
    expect(parseEvent("warning: a plugin says something")).toBeUndefined();
    expect(parseEvent('{"sequence":3,"summ')).toBeUndefined();
    expect(parseEvent('{"sequence":3,"cancelEvent":{}}')).toMatchObject({ cancelEvent: {} });
  });
});
