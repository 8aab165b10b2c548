import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { messageOf, OlympusError } from "../base/errors.ts";
import type { Yield } from "./install.ts";
import type { ToolName, ToolPin } from "./lock.ts";

export interface BuildSettings {
  readonly signal: AbortSignal;
  /** Says what is being done. */
  readonly update: (detail: string) => void;
  /** Runs one compilation at a time: each uses every core by itself, while another tool's modules are downloaded. */
  readonly compile: <T>(work: () => Promise<T>) => Promise<T>;
  /** The Go command; tests give a stand-in. */
  readonly go?: string;
}

/** Builds a tool from its Go modules in a module of its own below `work`. Throws E-GO (no usable Go) or E-BUILD with what Go said. */
export async function buildTool(tool: ToolName, pin: ToolPin, work: string, settings: BuildSettings): Promise<Yield> {
  const go = async (...words: string[]): Promise<string> => {
    const result = await execa(settings.go ?? "go", words, {
      cwd: work,
      cancelSignal: settings.signal,
      reject: false,
      env: { GOFLAGS: "-buildvcs=false", GOWORK: "off", GO111MODULE: "on" },
      stdin: "ignore",
    });
    settings.signal.throwIfAborted();
    if (!result.failed) return result.stdout;
    if (result.code === "ENOENT") throw noGo("Go is not installed");
    const said = (result.stderr || messageOf(result)).split("\n").filter((line) => !line.startsWith("go: downloading"));
    throw new OlympusError(`go ${words[0]} failed for ${tool}:\n${said.slice(-12).join("\n")}`, {
      code: "E-BUILD",
      where: work,
      hint: "run it again: what was downloaded and compiled is kept",
    });
  };
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  await checkGo(go);

  settings.update("downloading modules");
  await go("mod", "init", `olympus.invalid/${tool}`);
  for (const replacement of pin.replace) await go("mod", "edit", "-replace", replacement);
  for (const requirement of pin.require) await go("mod", "edit", "-require", requirement);
  const [path = pin.module, version] = pin.module.split("@");
  if (version !== undefined) {
    await retry(() => go("get", "-tool", pin.module), settings.signal);
  } else {
    // `go get` of such a command fails on imports that only its publisher has; listing and building it does not.
    writeFileSync(join(work, "tools.go"), `//go:build tools\n\npackage tools\n\nimport _ "${path}"\n`);
    await retry(() => go("list", "-mod=mod", "-deps", "-e", "-f", "{{.ImportPath}}", path), settings.signal);
  }
  settings.update("waiting for its turn to compile");
  const program = join(work, tool);
  await settings.compile(async () => {
    settings.update("compiling");
    await go("build", "-mod=mod", ...(pin.ldflags === undefined ? [] : ["-ldflags", pin.ldflags]), "-o", program, path);
  });
  if (tool !== "mattermost") return { program };
  const module = (
    await go("list", "-mod=mod", "-m", "-f", "{{.Dir}}", "github.com/mattermost/mattermost/server/v8")
  ).trim();
  const folders = Object.fromEntries(["i18n", "templates", "fonts"].map((name) => [name, join(module, name)]));
  return { program, folders };
}

async function checkGo(go: (...words: string[]) => Promise<string>): Promise<void> {
  const found = await go("version");
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(found) ?? [];
  if (Number(major) > 1 || Number(minor) >= 24) return;
  throw noGo(`Go 1.24 or newer is needed; this is: ${found.trim()}`);
}

function noGo(message: string): OlympusError {
  return new OlympusError(message, {
    code: "E-GO",
    exit: 1,
    hint: "Install Go 1.24 or newer from go.dev, or let the publishers' download servers be reached: then nothing has to be built.",
  });
}

/** Module proxies answer with passing errors; three attempts in all. */
async function retry<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === 3) throw error;
    }
  }
}
