import { messageOf } from "../base/errors.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { Host } from "../team/hosts.ts";
import type { HostStatus } from "./status.ts";

/** Whether an agent runs on OpenClaw in place of the harness. */
export const runsOpenclaw = ({ machine }: Pick<Host, "machine">): boolean => machine?.agent?.runtime === "openclaw";

/** The first line of its answer: bash alone can ask on every machine. */
const ask = `timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/18789 && printf "GET /readyz HTTP/1.0\\r\\nHost: 127.0.0.1:18789\\r\\n\\r\\n" >&3 && head -n 1 <&3'`;

/** Asks OpenClaw's gateway whether it is ready, on its machine: it answers nowhere else. */
export async function askOpenclaw(
  name: string,
  connect: () => Promise<SshConnection>,
  signal: AbortSignal,
): Promise<Pick<HostStatus, "state" | "detail" | "next"> & { readonly silent?: boolean }> {
  let connection: SshConnection | undefined;
  try {
    connection = await connect();
    const { stdout } = await connection.exec(ask, { signal });
    const status = /^HTTP\/[\d.]+ (\d+)/.exec(stdout)?.[1];
    if (status === "200") return { state: "fine", detail: "OpenClaw: answers", next: "" };
    const how = status === undefined ? "does not answer" : `runs, but is not ready (HTTP ${status})`;
    return { state: "broken", detail: `OpenClaw: ${how}`, next: `npx olympus logs ${name}` };
  } catch (error) {
    signal.throwIfAborted();
    return {
      state: "unreachable",
      detail: messageOf(error).split("\n")[0]!,
      next: `npx olympus doctor ${name}`,
      silent: true,
    };
  } finally {
    connection?.close();
  }
}
