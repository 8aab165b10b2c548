import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";

/**
 * Which parts may import which (DESIGN: team <- converge, harness core <- adapters <- cli, stacks, harness/main).
 * A part is the longest listed prefix of a file's path. Each part may import itself and what stands beside its name.
 */
const allowed: Record<string, readonly string[]> = {
  "src/base": [],
  "src/team": ["src/base", "vm-templates"],
  "vm-templates": ["src/base"],
  secrets: ["src/base", "src/team"],
  "src/ssh": ["src/base"],
  "src/converge": ["src/base", "src/team", "secrets", "src/ssh"],
  roles: [
    "src/base",
    "src/team",
    "src/converge",
    "secrets",
    "src/harness",
    "src/rehearsal",
    "src/bootstrap/url.ts",
    "src/bootstrap/admin-account.ts",
    "src/toolchain",
  ],
  "cloud-init": ["src/base", "src/team"],
  "src/prerequisites": ["src/base"],
  "src/toolchain": ["src/base", "src/team", "secrets"],
  "src/images": ["src/base", "vm-templates", "src/toolchain", "src/prerequisites"],
  "src/libvirt": ["src/base", "src/team", "src/ssh"],
  "src/lab": ["src/base", "src/team", "secrets", "src/images", "src/prerequisites"],
  "src/machines": [
    "src/base",
    "src/converge",
    "src/team",
    "secrets",
    "src/ssh",
    "src/libvirt",
    "src/images",
    "src/toolchain",
    "cloud-init",
    "vm-templates",
  ],
  stacks: [
    "src/converge",
    "src/base",
    "src/team",
    "secrets",
    "src/ssh",
    "src/libvirt",
    "src/images",
    "src/toolchain",
    "src/machines",
    "cloud-init",
    "vm-templates",
  ],
  "src/bootstrap": ["src/base", "src/team", "secrets", "src/harness/chat/marker.ts", "src/harness/chat/socket.ts"],
  "src/backup": ["src/base", "src/team", "secrets", "src/converge", "src/ssh"],
  "src/harness": ["src/base"],
  // The harness's own composition root.
  "src/harness/main.ts": ["src/base", "src/harness", "src/dashboard"],
  "src/harness/start.ts": ["src/base", "src/harness", "src/dashboard"],
  "src/dashboard": ["src/base", "src/harness"],
  "src/rehearsal": ["src/base"],
};

/** Composition roots: they may import everything. */
const roots = ["src/cli", "src/deploy", "src/doctor", "src/status", "src/bench", "src/rotate", "test"];

const folders = ["src", "stacks", "vm-templates", "cloud-init", "roles", "secrets", "test"];

function sources(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name));
}

function partOf(file: string): string | undefined {
  const parts = [...Object.keys(allowed), ...roots].filter((part) => file === part || file.startsWith(`${part}/`));
  return parts.sort((a, b) => b.length - a.length)[0];
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(projectRoot, file), "utf8");
  const found = text.matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g);
  return [...found].map(([, path]) => relative(projectRoot, resolve(projectRoot, dirname(file), path!)));
}

const files = folders.flatMap(sources);

describe("architecture", () => {
  it("sees the project's files", () => {
    expect(files.length).toBeGreaterThan(15);
  });

  it("knows which part every file belongs to", () => {
    expect(files.filter((file) => partOf(file) === undefined)).toEqual([]);
  });

  it("lets imports point only in the allowed direction", () => {
    const wrong: string[] = [];
    for (const file of files) {
      const part = partOf(file);
      if (part === undefined || roots.includes(part)) continue;
      // A test may use its neighbours' fakes and the tests' own helpers.
      const extra = file.endsWith(".test.ts") ? ["test/support", "test/contract"] : [];
      for (const target of importsOf(file)) {
        const to = partOf(target);
        const fits = [part, ...allowed[part]!, ...extra].some(
          (name) => target === name || target.startsWith(`${name}/`),
        );
        if (!fits) wrong.push(`${file} imports ${target} (${part} may not import ${to})`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("keeps source files under 300 lines", () => {
    const long = files
      .filter((file) => !file.endsWith(".test.ts"))
      .map((file) => ({ file, lines: readFileSync(join(projectRoot, file), "utf8").split("\n").length }))
      .filter(({ lines }) => lines > 301);
    expect(long).toEqual([]);
  });
});
