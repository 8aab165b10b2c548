import { describe, expect, it } from "vitest";
import type { SshConnection } from "../ssh/connection.ts";
import { findLeftovers, refuseImagesInUse, removeLeftovers } from "./leftovers.ts";
import { resourcesOf } from "./state.ts";

describe("findLeftovers", () => {
  const inventory = {
    pool: true,
    bridge: true,
    domains: [
      { name: "lab.athena", uuid: "uuid-1", state: "running", description: "" },
      { name: "lab.agora", uuid: "uuid-2", state: "shut off", description: "" },
    ],
    volumes: [
      "lab.athena.root.e4205c56.qcow2",
      "lab.agora.root.11111111.qcow2",
      "lab.agora.seed.222222222222.iso",
      "lab.agora.data.qcow2",
      "lab.image.debian-12.0958d968884b.qcow2",
      "lab.notes.txt",
    ],
  };

  it("takes what the state does not know, and never a data disk or a stranger's file", () => {
    const state = resourcesOf({
      resources: [
        { type: "libvirt:index/domain:Domain", id: "uuid-1", outputs: { name: "lab.athena" } },
        { type: "libvirt:index/volume:Volume", id: "/p/x", outputs: { name: "lab.athena.root.e4205c56.qcow2" } },
        {
          type: "libvirt:index/volume:Volume",
          id: "/p/y",
          outputs: { name: "lab.image.debian-12.0958d968884b.qcow2" },
        },
        { type: "pulumi:pulumi:Stack" },
      ],
    });
    expect(findLeftovers("lab", inventory, state)).toEqual({
      domains: ["lab.agora"],
      volumes: ["lab.agora.root.11111111.qcow2", "lab.agora.seed.222222222222.iso"],
    });
  });

  it("leaves data disks alone even when the state is empty", () => {
    expect(findLeftovers("lab", inventory, []).volumes).not.toContain("lab.agora.data.qcow2");
  });
});

describe("removeLeftovers", () => {
  const root = "lab.athena.root.e4205c56.qcow2";
  const image = "lab.image.debian-12.0958d968884b.qcow2";
  const unused = "lab.agora.seed.222222222222.iso";

  /** A hypervisor with one domain, of somebody's making, that uses `root`, which stands on `image`. */
  function hypervisor(): { connection: SshConnection; removed: string[] } {
    const removed: string[] = [];
    const xml = [
      `\u001evolume ${root}\n<volume><name>${root}</name><backingStore><path>/p/${image}</path></backingStore></volume>`,
      `\u001evolume ${image}\n<volume><name>${image}</name></volume>`,
      `\u001evolume ${unused}\n<volume><name>${unused}</name></volume>`,
      `\u001edomain\n<domain><name>restored</name><disk><source file='/p/${root}'/></disk></domain>`,
    ].join("\n");
    const exec = async (command: string) => {
      const volume = /vol-delete (\S+)/.exec(command)?.[1];
      if (volume !== undefined) removed.push(volume.replaceAll("'", ""));
      return { code: 0, stdout: command.includes("vol-dumpxml") ? xml : "", stderr: "" };
    };
    return { connection: { target: { name: "r420" }, exec } as unknown as SshConnection, removed };
  }

  it("names a disk that a domain refers to, and what it stands on, and leaves both", async () => {
    const { connection, removed } = hypervisor();
    const told: string[] = [];
    const kept = await removeLeftovers(
      connection,
      "default",
      { domains: [], volumes: [image, root, unused] },
      (what) => {
        told.push(what);
      },
    );
    expect(removed).toEqual([unused]);
    expect([...kept.keys()].sort()).toEqual([root, image].sort());
    expect(told.sort()).toEqual(
      [
        `${root} stays: the state does not know it, but the domain restored uses it`,
        `${image} stays: the state does not know it, but the disk ${root} uses it`,
        `removing ${unused}, left behind by a run that did not end`,
      ].sort(),
    );
    expect(() => refuseImagesInUse("r420", [image], kept)).toThrow(`the disk ${root} stands on it`);
    expect(() => refuseImagesInUse("r420", ["lab.image.debian-12.new.qcow2"], kept)).not.toThrow();
  });

  it("does not ask who uses what when no disk is to go", async () => {
    const asked: string[] = [];
    const exec = async (command: string) => {
      asked.push(command);
      return { code: 0, stdout: "shut off", stderr: "" };
    };
    const connection = { target: { name: "r420" }, exec } as unknown as SshConnection;
    await removeLeftovers(connection, "default", { domains: ["lab.agora"], volumes: [] }, () => undefined);
    expect(asked.join("\n")).not.toContain("dumpxml");
  });
});
