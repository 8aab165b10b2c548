/** Which disks a real libvirt says are in use, before anything that a state does not know is removed. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { removeLeftovers } from "../../src/machines/leftovers.ts";
import type { SshConnection } from "../../src/ssh/connection.ts";
import { startLibvirtd } from "../support/libvirtd.ts";

test("a disk that a domain uses stays with its image, whoever made the domain; another goes", {
  timeout: 300_000,
}, async () => {
  await using libvirtd = await startLibvirtd();
  const run = (command: string) =>
    execa("sh", ["-c", command.replaceAll("qemu:///system", `'${libvirtd.uri}'`)], { reject: false });
  const connection = {
    target: { name: "r420" },
    exec: async (command: string) => {
      const { exitCode, stdout, stderr } = await run(command);
      return { code: exitCode ?? -1, stdout, stderr };
    },
  } as unknown as SshConnection;
  const ok = async (command: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(`set -e; v() { virsh -q -c qemu:///system "$@"; }; ${command}`);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    return stdout;
  };

  // A space in a path, and a pool of more than ours.
  const folder = join(libvirtd.pools, "the pool");
  mkdirSync(folder);
  await ok(`v pool-create-as default dir --target '${folder}'`);
  const image = "lab.image.debian-12.0958d968884b.qcow2";
  const root = "lab.athena.root.e4205c56.qcow2";
  const seed = "lab.athena.seed.222222222222.iso";
  const unused = ["lab.athena.root.00000000.qcow2", "lab.image.debian-12.000000000000.qcow2"];
  for (const name of [image, ...unused, "another's disk.qcow2"])
    await ok(`v vol-create-as default "${name}" 1M --format qcow2`);
  await ok(`v vol-create-as default ${root} 1M --format qcow2 --backing-vol ${image} --backing-vol-format qcow2`);
  await ok(`v vol-create-as default ${seed} 1M --format raw`);
  const disk = (source: string, type: string, target: string): string =>
    `<disk type="${type}" device="disk"><source ${source}/><target dev="${target}"/></disk>`;
  const disks = [
    disk(`file="${folder}/${root}"`, "file", "vda"),
    disk(`pool="default" volume="${seed}"`, "volume", "vdb"),
  ];
  const xml = `<domain type="qemu"><name>of a person</name><memory>65536</memory><os><type>hvm</type></os><devices>${disks.join("")}</devices></domain>`;
  writeFileSync(join(libvirtd.pools, "domain.xml"), xml);
  await ok(`v define '${join(libvirtd.pools, "domain.xml")}'`);

  const volumes = [image, root, seed, ...unused];
  const kept = await removeLeftovers(connection, "default", { domains: [], volumes }, () => undefined);
  expect(Object.fromEntries(kept)).toEqual({
    [root]: "the domain of a person",
    [seed]: "the domain of a person",
    [image]: `the disk ${root}`,
  });
  const left = await ok("v vol-list default");
  for (const name of [image, root, seed, "another's disk.qcow2"]) expect(left).toContain(name);
  for (const name of unused) expect(left).not.toContain(name);

  await ok("v undefine 'of a person'");
  expect(
    (await removeLeftovers(connection, "default", { domains: [], volumes: [image, root, seed] }, () => undefined)).size,
  ).toBe(0);
  expect(await ok("v vol-list default")).not.toContain("lab.");
});
