import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import { ensureImage } from "../../src/images/index.ts";
import { itElsewhere } from "../support/elsewhere.ts";
import { eventually } from "../support/olympus.ts";

itElsewhere("kvm", "boots the recipe's image to its login", async () => {
  const image = await ensureImage("debian-12", {
    reporter: silentReporter(),
    signal: AbortSignal.timeout(900_000),
  });
  const folder = await mkdtemp(join(tmpdir(), "olympus-kvm-"));
  const console = join(folder, "console.log");
  const guest = execa("qemu-system-x86_64", [
    ...["-accel", "kvm", "-cpu", "host", "-m", "1024", "-display", "none", "-nic", "none"],
    ...["-serial", `file:${console}`, "-drive", `file=${image.path},format=qcow2,snapshot=on,if=virtio`],
  ]);
  try {
    await eventually("a login prompt", async () => /login:/.test(await readFile(console, "utf8")), 60_000);
    expect(await readFile(console, "utf8")).toContain("login:");
  } finally {
    guest.kill();
    await guest.catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
});
