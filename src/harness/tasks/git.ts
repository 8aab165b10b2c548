import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { messageOf } from "../../base/errors.ts";

export interface GitOptions {
  /** The bare repository. */
  readonly folder: string;
  /** Further settings, by name: they go through the environment. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string | { readonly file: string; readonly from: number };
  readonly signal?: AbortSignal;
}

/** What git said when it failed. */
export class GitError extends Error {
  readonly code: number;
  constructor(what: string, code: number, said: string) {
    super(`git ${what}: ${said.trim().slice(0, 1000) || `exit code ${code}`}`);
    this.name = "GitError";
    this.code = code;
  }
}

/** Nothing of this machine's or a repository's settings names a program, and nothing but HTTP is spoken. */
const always = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "core.attributesFile": "/dev/null",
  "core.symlinks": "false",
  "core.alternateRefsCommand": "",
  "credential.helper": "",
  "diff.external": "",
  "fetch.recurseSubmodules": "false",
  "submodule.recurse": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "protocol.allow": "never",
  "protocol.http.allow": "always",
  "protocol.https.allow": "always",
  "transfer.fsckObjects": "true",
  "http.followRedirects": "initial",
  "http.lowSpeedLimit": "1000",
  "http.lowSpeedTime": "60",
};

function environmentOf({ settings = {}, environment = {}, folder }: GitOptions): Record<string, string> {
  const all = Object.entries({ ...always, ...settings });
  const config = all.flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, name],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: folder,
    LANG: "C.UTF-8",
    GIT_DIR: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    GIT_LITERAL_PATHSPECS: "1",
    ...environment,
    GIT_CONFIG_COUNT: String(all.length),
    ...Object.fromEntries(config),
  };
}

const mostOutput = 64 * 1024 * 1024;

/** Runs git in a bare repository of ours; gives what it printed. Throws `GitError`, or the signal's reason. */
export async function git(args: readonly string[], options: GitOptions): Promise<string> {
  const { input, signal } = options;
  signal?.throwIfAborted();
  let file: FileHandle | undefined;
  try {
    if (typeof input === "object") file = await openGiven(input.file);
    const child: ChildProcess = spawn("git", [...args], {
      env: environmentOf(options),
      cwd: options.folder,
      stdio: ["pipe", "pipe", "pipe"],
      ...(signal && { signal }),
    });
    const out: Buffer[] = [];
    let size = 0;
    let said = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= mostOutput) out.push(chunk);
      else child.kill();
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      said = `${said}${chunk.toString("utf8")}`.slice(-8000);
    });
    // A git that ends early closes its input: its exit code says why.
    child.stdin!.once("error", () => undefined);
    if (file === undefined) child.stdin!.end(typeof input === "string" ? input : "");
    else file.createReadStream({ start: (input as { from: number }).from, autoClose: false }).pipe(child.stdin!);
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve(status ?? 1));
    });
    if (code !== 0) throw new GitError(args[0] ?? "", code, said);
    return Buffer.concat(out).toString("utf8");
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof GitError ? error : new GitError(args[0] ?? "", -1, messageOf(error));
  } finally {
    await file?.close();
  }
}

/** A sandbox may have written it: links are not followed, and nobody waits for the other end of a pipe. */
async function openGiven(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(`${path} is not a file`);
}
