import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Secret } from "../../src/base/secret.ts";
import type { SshTarget } from "../../src/ssh/connection.ts";
import { freePort } from "./processes.ts";

export interface TestSshd {
  /** How to log in to it with the key that it lets in. */
  readonly target: SshTarget;
  /** What it wrote so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Makes an ed25519 key pair in a folder. */
export function makeKey(folder: string, name: string): { readonly public: string; readonly private: string } {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  return { public: readFileSync(`${file}.pub`, "utf8").trim(), private: readFileSync(file, "utf8") };
}

/** A real sshd on 127.0.0.1 with stock limits, that lets this user in with `key`; `config`: further lines, which win. */
export async function startSshd(
  folder: string,
  name: string,
  key: { readonly public: string; readonly private: string },
  config: readonly string[] = [],
): Promise<TestSshd> {
  const host = makeKey(folder, `host-${name}`);
  const port = await freePort();
  const at = (file: string): string => join(folder, `${name}.${file}`);
  writeFileSync(at("authorized"), `${key.public}\n`, { mode: 0o600 });
  writeFileSync(at("log"), "");
  writeFileSync(
    at("config"),
    [
      ...config,
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${join(folder, `host-${name}`)}`,
      `AuthorizedKeysFile ${at("authorized")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "PermitRootLogin yes",
      "LogLevel VERBOSE",
      "",
    ].join("\n"),
  );
  mkdirSync("/run/sshd", { recursive: true });
  const server = spawn("/usr/sbin/sshd", ["-D", "-E", at("log"), "-f", at("config")], { stdio: "ignore" });
  const ended = new Promise<void>((done) => server.once("exit", () => done()));
  const log = (): string => readFileSync(at("log"), "utf8");
  while (!log().includes("Server listening")) {
    if (server.exitCode !== null) throw new Error(`sshd did not start: ${log()}`);
    await pause(20);
  }
  return {
    target: {
      name,
      address: "127.0.0.1",
      port,
      user: userInfo().username,
      hostKey: host.public,
      pinnedIn: `pin of ${name}`,
      privateKey: new Secret("ssh.deploy.private", key.private),
    },
    log,
    async stop() {
      server.kill();
      await ended;
    },
  };
}
