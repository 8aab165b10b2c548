import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Deploy } from "../policy/schema.ts";

export interface Called {
  /** The command's; undefined when it was ended because it took too long. */
  readonly code: number | undefined;
  /** The end of what it printed. */
  readonly output: string;
  /** Bytes of all that it printed. */
  readonly bytes: number;
}

/** Of what a command prints is kept: its beginning is the door's own word, the rest its end. Characters. */
const kept = 64 * 1024;

export const commitPattern = /^[0-9a-f]{40}$/;

/**
 * Lets a key do on a host the one thing that it may do there, with a commit as the argument. The host must show the key that is expected;
 * nothing of this machine's or a user's settings is read. Throws the signal's reason, and where ssh cannot be started.
 */
export async function callHost(
  { host, minutes }: Pick<Deploy, "host" | "minutes">,
  keyPath: string,
  commit: string,
  signal: AbortSignal,
): Promise<Called> {
  if (!commitPattern.test(commit)) throw new Error("a commit has 40 hexadecimal digits");
  const folder = await mkdtemp(join(tmpdir(), "olympus-call-"));
  try {
    const known = join(folder, "known");
    await writeFile(known, knownHost(host), { mode: 0o600 });
    return await finished(spawnSsh(callWords(host, keyPath, known, commit), signal), minutes * 60_000, signal);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A line of ssh's list of known hosts, with the key that is expected. */
export const knownHost = ({ key }: Deploy["host"]): string => `deploy-host ${key}\n`;

/** What ssh is started with to call a host: `known` holds `knownHost`, and `word` is all that is said to it. */
export function callWords(host: Deploy["host"], keyPath: string, known: string, word: string): string[] {
  const options = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    HostKeyAlias: "deploy-host",
    HostKeyAlgorithms: host.key.split(" ")[0]!,
    UserKnownHostsFile: known,
    GlobalKnownHostsFile: "/dev/null",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    IdentityFile: keyPath,
    PreferredAuthentications: "publickey",
    ClearAllForwardings: "yes",
    ConnectTimeout: "20",
    ServerAliveInterval: "15",
    LogLevel: "ERROR",
  };
  const given = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return ["-F", "none", "-T", ...given, "-p", String(host.port), "-l", host.user, "--", host.address, word];
}

function spawnSsh(args: readonly string[], signal: AbortSignal) {
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8" };
  return spawn("ssh", [...args], { env, stdio: ["ignore", "pipe", "pipe"], signal });
}

async function finished(child: ReturnType<typeof spawnSsh>, ms: number, signal: AbortSignal): Promise<Called> {
  let output = "";
  let bytes = 0;
  let late = false;
  const take = (text: string) => {
    bytes += Buffer.byteLength(text);
    output += text;
    // The first line is the door's.
    if (output.length > 2 * kept) output = output.slice(0, 200) + output.slice(-kept);
  };
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", take);
  const timer = setTimeout(() => {
    late = true;
    child.kill();
  }, ms);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve(status ?? 255));
    });
    return { code: late ? undefined : code, output, bytes };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
