import type { SshConnection } from "../ssh/connection.ts";
import { refused, tryVirsh, virsh } from "./virsh.ts";
import { waitUntil } from "./wait.ts";

/** Bounds of an orderly shutdown, in ms. An emulated guest under load takes its time. */
export interface ShutdownBounds {
  /** For the guest to go down by itself. */
  readonly orderlyMs: number;
  readonly pollMs: number;
  /** Until it is asked again. */
  readonly againMs: number;
}

/** Longer than the 90 s that systemd gives one of its units: a database that takes all of them must not have its power cut. */
export const defaultBounds: ShutdownBounds = { orderlyMs: 150_000, pollMs: 500, againMs: 10_000 };

export type ShutdownOutcome = "was off" | "orderly" | "forced" | "gone";

/** The domain's state, or undefined when there is no such domain. Throws E-LIBVIRT: what is not known must not look like nothing. */
export async function domainState(connection: SshConnection, name: string): Promise<string | undefined> {
  const words = ["domstate", name];
  const { code, stdout, stderr } = await tryVirsh(connection, words);
  if (code === 0) return stdout.trim();
  if (/failed to get domain|Domain not found/i.test(stderr)) return undefined;
  throw refused(connection, words, stderr);
}

/**
 * Asks the guest to shut down, by its agent and by the power button, and waits; past the bound the power is cut.
 * A paused, crashed or hung guest is cut at once. Never waits longer than the bound, so a destroy always ends. Throws E-LIBVIRT when the
 * power cannot be cut: a guest that runs on would lose its disks.
 */
export async function shutDown(
  connection: SshConnection,
  name: string,
  bounds: ShutdownBounds = defaultBounds,
): Promise<ShutdownOutcome> {
  const state = await domainState(connection, name);
  if (state === undefined) return "gone";
  if (state === "shut off" || state === "crashed") return "was off";
  if (state === "running" || state === "in shutdown") {
    // The agent answers at once or not at all; the power button works without it.
    const asked = await tryVirsh(connection, ["shutdown", name, "--mode", "agent,acpi"]);
    if (asked.code === 0) {
      let again = Date.now() + bounds.againMs;
      const off = await waitUntil(
        async () => {
          const now = await domainState(connection, name);
          if (now === undefined || now === "shut off") return true;
          // Early in its boot a guest does not listen to the button yet; one that is going down does not any more.
          if (Date.now() >= again) {
            await tryVirsh(connection, ["shutdown", name, "--mode", "acpi"]);
            again = Date.now() + bounds.againMs;
          }
          return false;
        },
        bounds.orderlyMs,
        bounds.pollMs,
      );
      if (off) return "orderly";
    }
  }
  const words = ["destroy", name];
  const { code, stderr } = await tryVirsh(connection, words);
  if (code === 0) return "forced";
  const last = await domainState(connection, name);
  // In that moment it had gone down by itself.
  if (last === undefined || last === "shut off") return "orderly";
  throw refused(connection, words, stderr);
}

/** Removes a domain that nobody needs any more: down in order, then its definition. Its disks stay. */
export async function removeDomain(
  connection: SshConnection,
  name: string,
  bounds: ShutdownBounds = defaultBounds,
): Promise<void> {
  await shutDown(connection, name, bounds);
  if ((await domainState(connection, name)) === undefined) return;
  await virsh(connection, [
    "undefine",
    name,
    "--managed-save",
    "--snapshots-metadata",
    "--checkpoints-metadata",
    "--nvram",
  ]);
}

/** Removes a volume; one that is gone already is fine. Throws E-LIBVIRT. */
export async function removeVolume(connection: SshConnection, pool: string, name: string): Promise<void> {
  const words = ["vol-delete", name, "--pool", pool];
  const { code, stderr } = await tryVirsh(connection, words, { timeoutMs: 120_000 });
  if (code !== 0 && !/not found|no storage vol/i.test(stderr)) throw refused(connection, words, stderr);
}
