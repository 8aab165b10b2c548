import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";

/**
 * The script by which a machine finds or makes the file system of its data disk, on a real block device (a loop device stands for the
 * disk) and in mounts of its own. What cannot be had here is a second disk, and being killed at a certain point: a mkfs.ext4 in its PATH
 * writes what a real one has written by then, and ends.
 */

let folder: string;
let disk: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "data-disk-"));
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "fstab"), "");
  writeFileSync(join(folder, "image"), "");
  truncateSync(join(folder, "image"), 64 * 1024 * 1024);
  disk = (await execa("losetup", ["--find", "--show", join(folder, "image")])).stdout.trim();
  program("lsblk", `case $1 in -dnpro) echo ${disk} disk ;; *) echo one ;; esac`);
});
afterEach(async () => {
  await execa("losetup", ["--detach", disk]);
  rmSync(folder, { recursive: true });
});

function program(name: string, body: string): void {
  writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, "bin", name), 0o755);
}

/** Runs the script, and a line after it that sees what is mounted. */
function mountData(then = "true"): Promise<{ exitCode?: number | undefined; stdout: string; stderr: string }> {
  const script = [
    "mount -t tmpfs none /srv",
    `mount --bind ${folder}/fstab /etc/fstab`,
    // What blkid knows of the test before, whose disk had the same name.
    `export PATH=${folder}/bin:$PATH BLKID_FILE=${folder}/blkid.tab`,
    `sh ${projectRoot}/cloud-init/data-disk.sh`,
    then,
  ].join(" && ");
  return execa("unshare", ["--mount", "sh", "-c", script], { reject: false });
}

describe("the data disk", () => {
  it("gets its file system once, and keeps what is on it", async () => {
    expect(await mountData("echo kept >/srv/olympus/marker")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await mountData("cat /srv/olympus/marker")).toMatchObject({ exitCode: 0, stdout: "kept" });
  });

  it("is shown to udev once its file system is made, and not again", async () => {
    const calls = join(folder, "calls");
    program("udevadm", `case $1 in trigger) echo "$*" $(blkid -p -s LABEL -o value ${disk}) >>${calls} ;; esac`);
    expect(await mountData()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await mountData()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(calls, "utf8")).toBe(`trigger --action=change --settle ${disk} olympus-data\n`);
  });

  it("is mounted all the same when udev does not answer", async () => {
    program("udevadm", "[ $1 = control ]");
    expect(await mountData("mountpoint -q /srv/olympus")).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining("udev has not looked"),
    });
  });

  it("is made anew when it was cut off in the making", async () => {
    program(
      "mkfs.ext4",
      `for disk; do :; done; dd if=/dev/urandom of=$disk bs=64k count=4 seek=1 status=none; exit 137`,
    );
    expect(await mountData()).toMatchObject({ exitCode: 137 });
    rmSync(join(folder, "bin/mkfs.ext4"));
    expect(await mountData("echo kept >/srv/olympus/marker")).toMatchObject({ exitCode: 0, stderr: "" });
    // The mark is gone with the end: a disk whose label somebody takes away later is not taken for a begun one.
    await execa("e2label", [disk, ""]);
    expect(await mountData()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("nothing was formatted") });
  });

  it.each([
    ["holds a file system of somebody's", () => execa("mkfs.ext4", ["-q", disk])],
    [
      "holds data without any signature",
      () => execa("dd", ["if=/dev/urandom", `of=${disk}`, "bs=4k", "count=1", "seek=100"]),
    ],
  ])("is left alone when it %s", async (_, fill) => {
    await fill();
    const before = (await execa("sha256sum", [join(folder, "image")])).stdout;
    expect(await mountData()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("nothing was formatted") });
    expect((await execa("sha256sum", [join(folder, "image")])).stdout).toBe(before);
  });
});
