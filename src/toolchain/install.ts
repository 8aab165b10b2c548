import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { OlympusError } from "../base/errors.ts";
import { type Layout, providerFolder } from "./layout.ts";
import type { ToolLock, ToolName } from "./lock.ts";
import { readStamp, type Stamp, writeStamp } from "./stamp.ts";

/** What a download or a build yields, before it gets its place. */
export interface Yield {
  /** The program itself. */
  readonly program: string;
  /** Folders that go beside it, by name: i18n, templates, fonts, client of Mattermost. */
  readonly folders?: Readonly<Record<string, string>>;
}

/** Copies a tool into its folder in the store, under another name first, so that an interruption leaves nothing half-made. */
export function install(
  lock: ToolLock,
  layout: Layout,
  tool: ToolName,
  made: Yield,
  stamp: Omit<Stamp, "files">,
): void {
  const target = layout.store(tool);
  const staging = `${target}.${process.pid}.part`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const files = shapes[tool](staging, made, lock.tools[tool].version);
  writeStamp(staging, stamp, files);
  if (readStamp(target) === undefined) {
    rmSync(target, { recursive: true, force: true });
    renameSync(staging, target);
  } else {
    // Another run was faster; its folder may be in use already.
    rmSync(staging, { recursive: true });
  }
}

type Shape = (folder: string, made: Yield, version: string) => readonly string[];

const shapes: Readonly<Record<ToolName, Shape>> = {
  pulumi: (folder, made) => {
    place(made.program, join(folder, "pulumi"));
    // Beside the program Pulumi looks for its bundled language hosts, and uses what it finds there without a warning.
    write(
      join(folder, "pulumi-language-nodejs"),
      fromProject(
        'setpriv --pdeathsig KILL "$node" --disable-warning=ExperimentalWarning "$root/src/toolchain/language-host.ts"',
      ),
    );
    return ["pulumi", "pulumi-language-nodejs"];
  },
  bridge: (folder, made) => {
    place(made.program, join(folder, "pulumi-resource-terraform-provider"));
    return ["pulumi-resource-terraform-provider"];
  },
  provider: (folder, made, version) => {
    const program = "real/terraform-provider-libvirt";
    const wrapper = join("cache", providerFolder(version), "terraform-provider-libvirt");
    place(made.program, join(folder, program));
    const up = wrapper
      .split("/")
      .slice(1)
      .map(() => "..")
      .join("/");
    write(join(folder, wrapper), `${dieWithParent}exec setpriv --pdeathsig KILL "\${0%/*}/${up}/${program}" "$@"\n`);
    return [program, wrapper];
  },
  mattermost: (folder, made) => {
    place(made.program, join(folder, "bin/mattermost"));
    for (const empty of ["config", "data", "logs", "plugins", "client/plugins"]) {
      mkdirSync(join(folder, empty), { recursive: true });
    }
    for (const [name, from] of Object.entries(made.folders ?? {})) {
      // Not cpSync: folders of Go's module cache are read-only, and copies of them would be too.
      execFileSync("cp", ["-rT", "--no-preserve=mode", from, join(folder, name)]);
    }
    for (const needed of ["i18n/en.json", "templates", "fonts"]) {
      if (existsSync(join(folder, needed))) continue;
      throw new OlympusError(`the Mattermost server has no ${needed}`, { code: "E-TOOLCHAIN", where: folder });
    }
    return ["bin/mattermost", "i18n/en.json"];
  },
};

const dieWithParent = `#!/bin/sh
# Without this a run that ends leaves the provider behind: the kernel ends it together with the process that started it.
`;

/** A launcher that starts something of the project in OLYMPUS_ROOT: the cache serves every clone of it. */
export function fromProject(command: string): string {
  return `#!/bin/sh
root=\${OLYMPUS_ROOT-}
node=$root/node_modules/.bin/node
if [ ! -x "$node" ]; then
  echo 'olympus: this shell does not have the project'"'"'s environment; run: eval "$(npx olympus env)"' >&2
  exit 1
fi
exec ${command} "$@"
`;
}

/** A launcher of a plugin that ends with its parent. */
export function endsWithParent(program: string): string {
  return `${dieWithParent}exec setpriv --pdeathsig KILL '${program.replaceAll("'", "'\\''")}' "$@"\n`;
}

export function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode: 0o755 });
}

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { dereference: true });
  chmodSync(to, 0o755);
}
