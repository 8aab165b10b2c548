import { OlympusError } from "../base/errors.ts";
import { quoteAll } from "../base/quote.ts";
import type { SshConnection } from "../ssh/connection.ts";

/** What virsh said. `code` 0 means done. */
export interface VirshResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs virsh on a hypervisor, quietly and in English. Resolves with any exit code. */
export async function tryVirsh(
  connection: SshConnection,
  words: readonly string[],
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
): Promise<VirshResult> {
  return connection.exec(`LC_ALL=C virsh -q -c qemu:///system ${quoteAll(words)}`, {
    timeoutMs: 30_000,
    ...options,
  });
}

/** Like `tryVirsh`, but a refusal of libvirt throws E-LIBVIRT with its words. Gives stdout. */
export async function virsh(
  connection: SshConnection,
  words: readonly string[],
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryVirsh(connection, words, options);
  if (code === 0) return stdout;
  throw refused(connection, words, stderr);
}

/** E-LIBVIRT with libvirt's own words. */
export function refused(connection: SshConnection, words: readonly string[], stderr: string): OlympusError {
  return new OlympusError(`libvirt on ${connection.target.name} refused "virsh ${words.join(" ")}": ${stderr.trim()}`, {
    code: "E-LIBVIRT",
    where: connection.target.name,
    hint: `npx olympus doctor ${connection.target.name}`,
  });
}
