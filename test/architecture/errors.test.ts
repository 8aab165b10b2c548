import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";

it("documents every error code, and no code that nothing raises", () => {
  const sources = execFileSync(
    "grep",
    ["-rhoE", "\\bE-[A-Z]+(-[A-Z]+)*\\b", "--include=*.ts", "src", "stacks", "roles", "secrets", "cloud-init"],
    {
      cwd: projectRoot,
      encoding: "utf8",
    },
  );
  // `E-XYZ` in prose stands for any code.
  const raised = new Set(sources.split("\n").filter((code) => code !== "" && code !== "E-XYZ"));
  const page = readFileSync(join(projectRoot, "docs/reference/errors.md"), "utf8");
  const documented = new Set([...page.matchAll(/^## (E-[A-Z-]+)$/gm)].map(([, code]) => code!));
  expect([...raised].filter((code) => !documented.has(code)).sort()).toEqual([]);
  expect([...documented].filter((code) => !raised.has(code)).sort()).toEqual([]);
});
