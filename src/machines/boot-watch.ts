import { setTimeout as pause } from "node:timers/promises";
import { virsh } from "../libvirt/virsh.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { consoleText } from "./console.ts";

export interface BootWatchOptions {
  readonly connection: SshConnection;
  readonly domain: string;
  /** What its console has shown since its start is recorded here. */
  readonly file: string;
  readonly onProgress: (what: string) => void;
  /** Ends the watch: the machine answers, or is given up. */
  readonly signal: AbortSignal;
}

const lookEveryMs = 15_000;
/** How long it may be without a sign. Emulated on a busy computer, a kernel unpacks its initramfs for a minute without a word. */
const silenceMs = 180_000;
/** What comes twice comes again: then a person has to look. */
const mostResets = 2;

/**
 * Starts a machine again whose boot has come to a standstill before its system began: firmware and kernels hang now and then, above all
 * under emulation, and nothing is lost by it there, since nothing is mounted for writing yet. A sign of life is a character on the console
 * or a request to a disk. Ends with the system's first words, or rejects with `signal`; throws what libvirt refuses.
 */
export async function watchBoot({ connection, domain, file, onProgress, signal }: BootWatchOptions): Promise<void> {
  let last = "";
  let since = Date.now();
  let resets = 0;
  while (resets < mostResets) {
    await pause(lookEveryMs, undefined, { signal });
    const text = consoleText(file);
    if (hasBegun(text)) return;
    const signs = text + (await virsh(connection, ["domstats", "--block", domain], { signal }));
    if (signs !== last) {
      last = signs;
      since = Date.now();
    } else if (Date.now() - since >= silenceMs) {
      await virsh(connection, ["reset", domain], { signal });
      onProgress("no sign of life; started again");
      since = Date.now();
      resets++;
    }
  }
}

/** Whether the machine's own system has said something: systemd's lines, cloud-init's, or a login. */
function hasBegun(text: string): boolean {
  return /\[ {2}OK {2}\]|\bsystemd\b|cloud-init|Starting |Welcome to |login:/.test(text);
}
