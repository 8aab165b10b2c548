import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { stateDir } from "../base/paths.ts";
import { quote } from "../base/quote.ts";
import type { SshConnection } from "../ssh/connection.ts";

/** Where the console of a machine's last start under `up` is kept. */
export function consoleFile(team: string, machine: string): string {
  return stateDir(team, "logs", `console-${machine}.log`);
}

/**
 * Records a domain's serial console into its file until `signal` ends it. Attaching needs a terminal on the other
 * side, which `script` gives. libvirt keeps no history, so this starts with the domain and is what a diagnosis shows.
 */
export async function recordConsole(
  connection: SshConnection,
  domain: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "", { mode: 0o600 });
  const attach = `TERM=dumb script -qefc ${quote(`virsh -q -c qemu:///system console --force ${domain}`)} /dev/null`;
  await connection.exec(attach, { signal, onStdout: (chunk) => appendFileSync(file, chunk) });
}

/** All that was recorded, escape sequences and control characters taken out. Empty when nothing was. */
export function consoleText(file: string): string {
  try {
    return (
      readFileSync(file, "utf8")
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
        .replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|\u001b[()].|[\u0000-\u0008\u000b-\u001f\u007f]/g, (found) =>
          found === "\r" ? "\n" : "",
        )
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** The last lines that a person can read. */
export function lastConsoleLines(file: string, count = 5): string[] {
  return consoleText(file)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("Connected to domain") && !line.startsWith("Escape character"))
    .slice(-count);
}
