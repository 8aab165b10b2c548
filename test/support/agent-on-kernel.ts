/**
 * The bundled harness on a kernel of one's own that has control groups version 2, in front of a real chat server and a rehearsal model
 * on this machine. For what needs a real sandbox and a real conversation.
 */
import type { Socket } from "node:net";
import { quote } from "../../src/base/quote.ts";
import { buildBundle } from "../../src/harness/bundle.ts";
import type { AgentConfigInput } from "../../src/harness/config.ts";
import { agentFolder } from "./agent-process.ts";
import type { ChatTeam } from "./chat-team.ts";
import { doorAddress, doorTo, kernelAddress } from "./kernel-doors.ts";
import { onOwnKernel } from "./own-kernel.ts";
import { freePort } from "./processes.ts";

export interface KernelAgent {
  /** Settles only when the kernel or the harness fails, with the reason. */
  readonly failed: Promise<never>;
  /** Runs the last lines, stops the harness and the kernel; gives what the lines printed as `@@{…}`. */
  end(): Promise<unknown[]>;
}

/** Asks the dashboard, for the last lines. */
export const askPage = (path: string): string =>
  `curl -s -H 'authorization: Bearer dashboard-token-for-tests' http://${kernelAddress}:18789${path}`;

/** How it works on the rehearsal's forge at a port of this machine, with the token and the key in its folder. */
export const forgeAt = (
  port: number,
  repositories: NonNullable<AgentConfigInput["forge"]>["repositories"],
): AgentConfigInput["forge"] => ({
  api: `http://${doorAddress}:${port}/api/v3`,
  login: "athena",
  tokenFile: "forge.token",
  keyFile: "forge.key",
  name: "athena",
  email: "athena@olympus.example",
  people: [{ login: "zeus", name: "alice", command: true }],
  repositories,
  every: 2,
});

export async function agentOnKernel(options: {
  /** Of this machine; gets the configuration and the secrets. */
  readonly folder: string;
  readonly team: ChatTeam;
  readonly modelUrl: string;
  /** Whether the harness may make control groups. The agent is one that develops in either case. */
  readonly delegated: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  readonly change?: (config: AgentConfigInput) => AgentConfigInput;
  /** Ports of 127.0.0.1 that it reaches too, at `doorAddress`. */
  readonly ports?: readonly number[];
  /** Shell lines as root on the kernel, before the agent starts. */
  readonly during?: string;
  /** The same, when all is over and the agent still runs. What it printed by then is in /mnt/output. */
  readonly after?: string;
}): Promise<KernelAgent> {
  const { folder, team, modelUrl, delegated, ports = [], during = "", after = "", environment = {} } = options;
  const through = (url: string) => url.replace("127.0.0.1", doorAddress);
  await agentFolder(folder, team, through(modelUrl), (config) => {
    const there: AgentConfigInput = {
      ...config,
      chat: { ...config.chat, url: through(team.url) },
      listen: { ...config.listen, address: kernelAddress, port: 18789 },
      dataDir: "/mnt/data",
      sandbox: { memory: 300, processes: 100, cpus: 1, disk: 64 },
    };
    return options.change?.(there) ?? there;
  });
  const bundle = await buildBundle("harness");
  const controlPort = await freePort();
  const controls: Socket[] = [];
  let over = false;
  const control = {
    port: controlPort,
    open: (connection: Socket) => {
      connection.resume();
      if (over) connection.end();
      else controls.push(connection);
    },
  };
  const before = `umask 077
cp -r ${quote(folder)} /mnt/agent && chown -R 65534:65534 /mnt/agent
mkdir /mnt/bundle && mount --bind ${quote(bundle.folder)} /mnt/bundle
${delegated ? "" : "chown -R root:root $GROUP"}
${during}
# Ends with the connection, however that ends.
( exec 3<>/dev/tcp/${doorAddress}/${controlPort}; cat <&3 > /dev/null
${after}
pkill -TERM -f bundle/main.mjs ) &`;
  const program = ["../bundle/main.mjs", "--config", "/mnt/agent/agent.json"] as const;
  const doors = [
    doorTo(Number(new URL(team.url).port)),
    doorTo(Number(new URL(modelUrl).port)),
    ...ports.map((port) => doorTo(port)),
    control,
  ];
  const printed = onOwnKernel([{ program, before, environment }], 1024, doors).then(([lines = []]) => lines);
  const failed = printed.then(
    () => new Promise<never>(() => undefined),
    (error: unknown) => Promise.reject(error),
  );
  failed.catch(() => undefined);
  return {
    failed,
    end() {
      over = true;
      for (const connection of controls) connection.end();
      return printed;
    },
  };
}
