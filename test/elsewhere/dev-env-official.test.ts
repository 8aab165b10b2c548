import { expect } from "vitest";
import { asAgent, devEnvOperations } from "../support/dev-env.ts";
import { itElsewhere } from "../support/elsewhere.ts";
import { openRoleLab } from "../support/role-lab.ts";

/** What each program says about itself; the first word is the program. */
const answers = [
  ["python3.13 --version", /^Python 3\.13/],
  ["node --version; npm --version", /^v24\./],
  ["go version", /^go version go1\./],
  ["cargo new --vcs none -q r; cd r; cargo run -q", /^Hello, world!/],
  ["gh --version", /^gh version 2\./],
  ["aws --version", /^aws-cli\/2\./],
  ["nvim --version", /^NVIM v0\./],
  ["starship --version", /^starship 1\./],
  ["flutter --version; dart --version", /Flutter 3\.[\s\S]*Dart SDK version: 3\./],
] as const;

itElsewhere(
  "dev-env-official",
  "publishers' archives are what the lock file says, and their programs start",
  async () => {
    const lab = await openRoleLab(1);
    try {
      const tools = ["python", "node", "go", "rust", "gh", "aws-cli", "neovim", "prompt", "flutter"];
      const operations = await devEnvOperations(lab, { tools });
      const setup = await lab.apply("setup", { "dev-env": operations });
      expect(setup.errors).toEqual([]);
      for (const [command, answer] of answers) expect(await asAgent(lab, command), command).toMatch(answer);
      // In place of Flutter's own.
      const dart = await devEnvOperations(lab, { tools: ["dart"] });
      expect((await lab.apply("setup", { "dev-env": dart })).errors).toEqual([]);
      expect(await asAgent(lab, "dart --version")).toMatch(/Dart SDK version: 3\./);
    } finally {
      await lab.close();
    }
  },
);
