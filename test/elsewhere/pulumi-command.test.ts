import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { commandPlugin } from "../../stacks/roles-command.ts";
import { itElsewhere } from "../support/elsewhere.ts";

itElsewhere(
  "pulumi-command",
  "applies roles as a resource: once, and again when something it stands for changed",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "olympus-command-"));
    const env = { PULUMI_BACKEND_URL: `file://${folder}`, PULUMI_CONFIG_PASSPHRASE: "", WISHED: "1" };
    const pulumi = (...words: string[]) =>
      execa("pulumi", [...words, "--non-interactive"], { cwd: folder, env: { ...process.env, ...env } });
    try {
      await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
      await pulumi("plugin", "install", "resource", "command");
      const version = commandPlugin();
      expect(version).toBeDefined();
      await writeFile(
        join(folder, "Pulumi.yaml"),
        "name: probe\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.mjs\n",
      );
      await writeFile(
        join(folder, "index.mjs"),
        `import { LocalCommand } from ${JSON.stringify(join(projectRoot, "stacks/roles-command.ts"))};
new LocalCommand("roles", { create: "echo applied >>${folder}/log", triggers: [process.env.WISHED], logging: "stderr" }, { version: "${version}" });\n`,
      );
      await pulumi("stack", "init", "probe");
      const applied = async () => (await execa("cat", [join(folder, "log")])).stdout.split("\n").length;
      await pulumi("up", "--yes", "--skip-preview");
      await pulumi("up", "--yes", "--skip-preview");
      expect(await applied()).toBe(1);
      env.WISHED = "2";
      await pulumi("up", "--yes", "--skip-preview");
      expect(await applied()).toBe(2);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
