import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where a package manager fetches from. */
export interface ClientAddresses {
  readonly urls: readonly string[];
  /** What tells the same client in the sandbox, without credentials. */
  readonly environment: Readonly<Record<string, string>>;
}

/** How a machine is asked; a test gives its own. */
export interface Machine {
  /** What a command prints; undefined when it is not there or fails. */
  ask(program: string, ...args: string[]): Promise<string | undefined>;
  /** A file's text; undefined when there is none. */
  read(path: string): Promise<string | undefined>;
  list(folder: string): Promise<string[]>;
}

const nothing: ClientAddresses = { urls: [], environment: {} };

/** Package managers that a team file may name, each with how it is asked for its own addresses: none is written down here. */
const clients = {
  async debian(machine) {
    const folder = "/etc/apt/sources.list.d";
    const files = ["/etc/apt/sources.list", ...(await machine.list(folder)).map((name) => join(folder, name))];
    const texts = await Promise.all(
      files.filter((file) => /\.(list|sources)$/.test(file)).map((file) => machine.read(file)),
    );
    const lines = texts.flatMap((text) => (text ?? "").split("\n")).filter((line) => /^\s*(deb|URIs:)/.test(line));
    return { urls: lines.flatMap((line) => line.match(/\bhttps?:\/\/[^\s\]]+/g) ?? []), environment: {} };
  },
  async npm(machine) {
    const registry = url(await machine.ask("npm", "config", "get", "registry"));
    return registry === undefined ? nothing : { urls: [registry], environment: { npm_config_registry: registry } };
  },
  async pypi(machine) {
    const index = url(await machine.ask("pip3", "config", "get", "global.index-url"));
    if (index !== undefined) return { urls: [index], environment: { PIP_INDEX_URL: index } };
    // Not configured: what pip itself would use, its index and where the files lie.
    const own = await machine.ask(
      "python3",
      "-c",
      "from pip._internal.models.index import PyPI as p; print(p.simple_url); print('https://' + p.file_storage_domain)",
    );
    return { urls: (own ?? "").split("\n").flatMap((line) => url(line) ?? []), environment: {} };
  },
  async go(machine) {
    const [proxies = "", sums = ""] = ((await machine.ask("go", "env", "GOPROXY", "GOSUMDB")) ?? "").split("\n");
    const urls = proxies.split(/[,|]/).flatMap((entry) => url(entry) ?? []);
    const sum = /^[\w.-]+\.\w+$/.test(sums) ? [`https://${sums}`] : [];
    return urls.length === 0 ? nothing : { urls: [...urls, ...sum], environment: { GOPROXY: urls.join(",") } };
  },
} satisfies Record<string, (machine: Machine) => Promise<ClientAddresses>>;

export const clientNames = Object.keys(clients) as (keyof typeof clients)[];

/** Asks one package manager of this machine. No addresses when it is not installed or names none. */
export function addressesOf(client: keyof typeof clients, machine: Machine = thisMachine): Promise<ClientAddresses> {
  return clients[client](machine);
}

/** A web address without credentials; undefined for anything else. */
function url(text: string | undefined): string | undefined {
  try {
    const parsed = new URL((text ?? "").trim());
    if (!/^https?:$/.test(parsed.protocol)) return undefined;
    parsed.username = "";
    parsed.password = "";
    return parsed.href;
  } catch {
    // Not an address: `direct`, an empty line, a warning.
    return undefined;
  }
}

const clientWithinMs = 30_000;

const thisMachine: Machine = {
  ask: (program, ...args) =>
    run(program, args, { timeout: clientWithinMs, cwd: "/" }).then(
      ({ stdout }) => stdout,
      () => undefined,
    ),
  read: (path) =>
    readFile(path, "utf8").catch(() => {
      // Not there, or not ours to read: then it says nothing.
      return undefined;
    }),
  list: (folder) => readdir(folder).catch(() => []),
};
