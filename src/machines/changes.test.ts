import { describe, expect, it } from "vitest";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { changesOf, growthOf, type Step } from "./changes.ts";
import { diffLines, summary } from "./report.ts";

const vm = "urn:pulumi:r420::olympus::olympus:machines:Vm$libvirt:index";
const shape = { memory: 1024, vcpu: 2, disks: [{ volumeId: "/root" }, { volumeId: "/seed" }] };

function domain(op: string, before: object | undefined, after: object | undefined, diffs: string[] = []): Step {
  return {
    op,
    urn: `${vm}/domain:Domain::athena`,
    type: "libvirt:index/domain:Domain",
    ...(before === undefined ? {} : { old: { ...shape, ...before } }),
    ...(after === undefined ? {} : { new: { ...shape, ...after } }),
    diffs,
  };
}

function volume(op: string, name: string): Step {
  return { op, urn: `${vm}/volume:Volume::${name}`, type: "libvirt:index/volume:Volume" };
}

const unknownDisk = { disks: [{ volumeId: "/root" }, { volumeId: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" }] };

describe("changesOf", () => {
  const table: [string, Step[], string | undefined, RegExp][] = [
    [
      "a new machine",
      [volume("create", "athena-root-0a"), domain("create", undefined, {})],
      "create",
      /^1 GB, 2 vCPU$/,
    ],
    [
      "more memory, in Pulumi's three steps",
      [
        domain("delete-replaced", {}, undefined),
        ...["replace", "create-replacement"].map((op) => domain(op, {}, { memory: 1100 }, ["memory"])),
      ],
      "restart",
      /^memory 1024 -> 1100 MB; .*root kept, data kept$/,
    ],
    ["whole gigabytes", [domain("replace", {}, { memory: 3072 }, ["memory"])], "restart", /^memory 1 -> 3 GB;/],
    ["more processors", [domain("replace", {}, { vcpu: 4 }, ["vcpu"])], "restart", /^vCPU 2 -> 4;/],
    [
      "a new root",
      [
        volume("create", "athena-root-0b"),
        domain("update", {}, unknownDisk, ["disks"]),
        volume("delete", "athena-root-0a"),
      ],
      "rebuild",
      /data kept/,
    ],
    [
      "new first-boot settings, whose disk is yet to be made",
      [volume("create", "athena-seed-0b"), domain("update", {}, unknownDisk, ["disks"])],
      "restart",
      /new first-boot settings/,
    ],
    [
      "a data disk that is gone",
      [volume("create", "athena-data"), domain("update", {}, unknownDisk, ["disks"])],
      "restart",
      /root kept, NEW data disk$/,
    ],
    [
      "a root and a data disk that are gone",
      [volume("create", "athena-root-0b"), volume("create", "athena-data"), domain("replace", {}, {}, ["disks"])],
      "rebuild",
      /; NEW data disk$/,
    ],
    [
      "a data disk that is gone, of another machine",
      [volume("create", "apollo-data"), domain("replace", {}, { vcpu: 4 }, ["vcpu"])],
      "restart",
      /data kept$/,
    ],
    [
      "switched off by hand",
      [domain("update", { running: false }, { running: true }, ["running"])],
      "start",
      /running/,
    ],
    ["autostart", [domain("update", { autostart: false }, { autostart: true }, ["autostart"])], "update", /autostart/],
    ["gone from the team file", [domain("delete", {}, undefined), volume("delete", "athena-data")], "remove", /data/],
    ["an image alone", [volume("create", "debian-12-4f")], undefined, /^$/],
  ];
  it.each(table)("%s", (_, steps, kind, detail) => {
    const changes = changesOf(steps);
    expect(changes.map((change) => change.kind)).toEqual(kind === undefined ? [] : [kind]);
    expect(changes[0]?.detail ?? "").toMatch(detail);
  });
});

describe("summary", () => {
  const none = { changes: [], growing: [], steps: [], changed: 0, failed: [], error: undefined };
  const steps = [domain("replace", {}, { memory: 1100 }, ["memory"])];
  const stacks = [
    { ...none, hypervisor: "r420", changes: changesOf(steps), steps, changed: 1 },
    { ...none, hypervisor: "r8202" },
    {
      ...none,
      hypervisor: "r720xd",
      error: new OlympusError("r720xd: no answer", { code: "E-SSH-TIMEOUT", exit: exitCodes.unreachable }),
    },
  ];

  it("says who changes how, who does not, and who could not be asked", () => {
    const text = summary(stacks, "preview");
    expect(text).toContain("r420    ! restart athena   memory 1024 -> 1100 MB");
    expect(text).toContain("r8202   no change");
    expect(text).toContain("r720xd  unreachable: r720xd: no answer");
    expect(text).toContain("nothing is deleted");
    expect(text).toContain("1 hypervisor unknown");
    expect(text).toContain("Do it: npx olympus up");
  });

  it("does not say that nothing is deleted where a machine gets an empty data disk", () => {
    const emptied = [volume("create", "athena-data"), domain("replace", {}, {}, ["disks"])];
    const text = summary(
      [{ ...none, hypervisor: "r420", changes: changesOf(emptied), steps: emptied, changed: 2 }],
      "preview",
    );
    expect(text).not.toContain("nothing is deleted");
    expect(text).toContain("NEW data disk, empty: athena");
  });

  it("says how a data disk grows", () => {
    const changes = [growthOf("athena", 4096, 5120)];
    expect(summary([{ ...none, hypervisor: "r420", changes, changed: 1 }], "preview")).toMatch(
      /~ change {2}athena {3}data 4 -> 5 GB/,
    );
  });

  it("names what changes beside machines, such as an image that none of them needs any more", () => {
    const image = [volume("delete", "debian-12-4f")];
    expect(summary([{ ...none, hypervisor: "r420", steps: image, changed: 1 }], "preview")).toBe(
      "r420  no machine changes, beside them: delete debian-12-4f\nno machine (1 resource)\nDo it: npx olympus up",
    );
  });

  it("is short when there is nothing to say", () => {
    expect(summary([stacks[1]!], "preview")).toBe("r8202  no change\nnothing would change");
  });

  it("shows each property on request", () => {
    expect(diffLines(stacks)).toEqual([
      "r420  replace  olympus:machines:Vm$libvirt:index/domain:Domain athena",
      "    memory: 1024 -> 1100",
    ]);
  });
});
