import type { Server } from "node:net";
import type { Log } from "../log.ts";
import { addressesOf, clientNames, type Machine } from "./clients.ts";
import { serveProxy } from "./proxy.ts";
import { type Rule, ruleOf, ruleOfUrl } from "./rules.ts";

/** The way out of sandboxes: what is allowed, and the proxy that keeps to it. */
export interface Egress {
  readonly rules: readonly Rule[];
  /** For package managers inside. */
  readonly environment: Readonly<Record<string, string>>;
  serve(server: Server, run: string, signal: AbortSignal): void;
}

/** Makes the allow-list from the configuration's entries: names of package managers, asked for their own addresses, and hosts. */
export async function openEgress(
  entries: readonly string[],
  log: Log,
  refused: (run: string, target: string) => void,
  machine?: Machine,
): Promise<Egress> {
  const rules: Rule[] = [];
  const environment: Record<string, string> = {};
  for (const entry of entries) {
    const client = clientNames.find((name) => name === entry);
    if (client === undefined) {
      rules.push(ruleOf(entry));
      continue;
    }
    const found = await addressesOf(client, machine);
    if (found.urls.length === 0) log.warn({ client }, "a package manager names no addresses, commands cannot use it");
    rules.push(...found.urls.map(ruleOfUrl));
    Object.assign(environment, found.environment);
  }
  return {
    rules,
    environment,
    serve: (server, run, signal) => serveProxy({ server, run, rules, log, refused, signal }),
  };
}
