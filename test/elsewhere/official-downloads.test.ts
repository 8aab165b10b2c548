import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect } from "vitest";
import { silentReporter } from "../../src/base/report.ts";
import { ensureTools } from "../../src/toolchain/index.ts";
import { itElsewhere } from "../support/elsewhere.ts";

itElsewhere("official-downloads", "give a Pulumi that starts, with publishers' checksums", async () => {
  const root = await mkdtemp(join(tmpdir(), "olympus-downloads-"));
  try {
    const tools = await ensureTools({
      reporter: silentReporter(),
      signal: AbortSignal.timeout(1_500_000),
      source: "download",
      root,
    });
    const { stdout } = await execa(tools.pulumi, ["version"]);
    expect(stdout).toMatch(/^v3\./);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
