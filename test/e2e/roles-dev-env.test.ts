/** Role `dev-env`: programs from registries that work, and publishers' archives from a local server. What is large is in test/long. */
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readToolsLock, resolvePins, toolsLockFile } from "../../roles/dev-env/pins.ts";
import { role } from "../../roles/dev-env/role.ts";
import { tarball, zip } from "../support/archives.ts";
import { asAgent, devEnvOperations } from "../support/dev-env.ts";
import { snapshotDifference, snapshotHost } from "../support/host-snapshot.ts";
import { type Publisher, startPublisher, whole } from "../support/publisher.ts";
import { openRoleLab, type RoleLab } from "../support/role-lab.ts";

let lab: RoleLab;
let publisher: Publisher;
let before: string[];
const folder = mkdtempSync(join(tmpdir(), "olympus-dev-env-"));

beforeAll(async () => {
  lab = await openRoleLab(1);
  publisher = await startPublisher(lab.lab.hostAddress);
  before = await snapshotHost((script) => lab.inside(script));
});
afterAll(async () => {
  await publisher?.[Symbol.asyncDispose]();
  await lab?.close();
  rmSync(folder, { recursive: true });
});

const difference = async () => snapshotDifference(before, await snapshotHost((script) => lab.inside(script)));

test("from registries: every program works for the login, again changes nothing, what is left out goes, reset gives all back", async () => {
  const tools = ["python", "node", "gh", "cdk", "neovim", "prompt"];
  const operations = await devEnvOperations(lab, { tools, source: "registries" });
  const setup = await lab.apply("setup", { "dev-env": operations });
  expect(setup.errors).toEqual([]);
  const again = await lab.apply("setup", { "dev-env": operations });
  expect([again.errors, again.changed]).toEqual([[], 0]);

  expect(await asAgent(lab, "python3 -m venv v; v/bin/python -c 'print(6 * 7)'; pipx --version >/dev/null")).toBe(
    "42\n",
  );
  expect(await asAgent(lab, "node -p process.version; npm --version; npx --version; npm config get prefix")).toBe(
    "v24.21.0\n11.6.2\n11.6.2\n/tmp/probe/.local\n",
  );
  expect(await asAgent(lab, "cdk --version")).toMatch(/^2\.1148\.1 /);
  expect(await asAgent(lab, "gh --version; gh auth status || true")).toMatch(/^gh version 2[\s\S]*not logged/);
  const width = "nvim --headless +'echo &shiftwidth' +q";
  expect(await asAgent(lab, width)).toContain("2");
  const own = "mkdir -p .config/nvim; echo 'set shiftwidth=7' >.config/nvim/init.vim";
  expect(await asAgent(lab, `${own}; ${width}`)).toContain("7");
  // PS1 as bash would show it, in an interactive shell with the skeleton's ~/.bashrc, which sets a PS1 of its own.
  const repository = "git init -q r; cd r; git checkout -q -b '$(touch$IFS/tmp/probe/run)'";
  const shown = await asAgent(
    lab,
    `cp /etc/skel/.bashrc ~; ${repository}; printf '%s\\n' 'cd ~/r; (exit 3); eval "$PROMPT_COMMAND"; echo "[\${PS1@P}]"' >~/ask; bash -ic '. ~/ask'; ls ~`,
  );
  expect(shown).toMatch(/agent@.*~\/r.* \(\$\(touch\$IFS\/tmp\/probe\/run\) #\).*3.*\$ \]/);
  expect(shown).not.toMatch(/^run$/m);

  const fewer = await devEnvOperations(lab, { tools: ["python", "node"], source: "registries" });
  const less = await lab.apply("setup", { "dev-env": fewer });
  expect(less.errors).toEqual([]);
  expect(await asAgent(lab, "command -v cdk gh nvim || true; python3 -c 'print(1)'; node -p 2")).toBe("1\n2\n");
  expect(await lab.inside("ls -d /opt/olympus/tools/* /usr/local/lib/node_modules 2>/dev/null; true")).toBe(
    "/opt/olympus/tools/npm-11.6.2\n",
  );

  const reset = await lab.apply("reset", { "dev-env": fewer });
  expect(reset.errors).toEqual([]);
  expect(await difference()).toEqual([]);
});

const says = (text: string): string => `#!/bin/sh\necho "${text} $*"\n`;
const installer = `#!/bin/sh
for word; do case "$word" in --prefix=*) to="\${word#*=}" ;; --components=*) parts="\${word#*=}" ;; esac; done
mkdir -p "$to/bin"
for name in rustc cargo; do printf '#!/bin/sh\\necho "%s of %s"\\n' "$name" "$parts" >"$to/bin/$name"; chmod 755 "$to/bin/$name"; done
`;

/** What each publisher's archive holds, as far as the role knows it. */
const archives: Readonly<Record<string, Buffer>> = {
  python: tarball({ "python/bin/python3.13": says("python"), "python/bin/pip3.13": says("pip") }),
  node: tarball(
    { "node-v1/bin/node": says("node"), "node-v1/bin/npm": says("npm"), "node-v1/bin/npx": says("npx") },
    "xz",
  ),
  go: tarball({ "go/bin/go": says("go"), "go/bin/gofmt": says("gofmt") }),
  rust: tarball({ "rust-1/install.sh": installer }, "xz"),
  gh: tarball({ "gh_1/bin/gh": says("gh") }),
  "aws-cli": zip({ "aws/dist/aws": says("aws"), "aws/install": "" }),
  neovim: tarball({ "nvim-linux-x86_64/bin/nvim": says("nvim") }),
  prompt: tarball({ starship: `#!/bin/sh\necho 'PROMPT_COMMAND="PS1=star"'\n` }),
  dart: zip({ "dart-sdk/bin/dart": says("dart") }),
  flutter: tarball({ "flutter/bin/flutter": says("flutter"), "flutter/bin/dart": says("dart of flutter") }, "xz"),
};

/** The lock file with every publisher replaced by the local server. */
function localLock(): string {
  const file = join(folder, "tools.lock.json");
  copyFileSync(toolsLockFile, file);
  const lock = readToolsLock(file);
  for (const [name, download] of Object.entries(lock.downloads)) {
    const path = new URL(download.url).pathname;
    const sum = createHash("sha256").update(archives[name]!).digest("hex");
    publisher.routes.set(path, [whole(archives[name]!)]);
    if (download.checksums !== undefined) {
      publisher.routes.set(`${path}.sum`, [whole(`${sum}  ${path.split("/").at(-1)}\n`)]);
    }
    lock.downloads[name] = {
      version: download.version,
      url: publisher.url + path,
      ...(download.checksums === undefined ? {} : { checksums: `${publisher.url}${path}.sum` }),
    };
  }
  writeFileSync(file, JSON.stringify(lock));
  return file;
}

test("from publishers: pinned archives by their checksums, learnt once; a replaced one is refused and touches nothing", async () => {
  const file = localLock();
  const { npm } = readToolsLock(file);
  const wish = async (tools: readonly string[], downloads: readonly string[] = tools) =>
    role.setup(
      { pins: await resolvePins(downloads, AbortSignal.timeout(60_000), file), cdk: npm.cdk },
      role.params.parse({ tools }),
    );
  const all = Object.keys(archives);
  const operations = await wish(all);
  const setup = await lab.apply("setup", { "dev-env": operations });
  expect(setup.errors).toEqual([]);
  const again = await lab.apply("setup", { "dev-env": await wish(all) });
  expect([again.errors, again.changed]).toEqual([[], 0]);
  expect(publisher.requests.filter((line) => line.endsWith("go.sum") || line.includes("go1")).length).toBe(2);

  const said = await asAgent(
    lab,
    "for p in python3.13 pip3.13 node npm npx go gofmt rustc cargo gh aws nvim dart flutter; do $p -v; done",
  );
  expect(said.split("\n").map((line) => line.replace(/ -v$/, ""))).toEqual([
    ...["python", "pip", "node", "npm", "npx", "go", "gofmt"],
    ...["rustc", "cargo"].map(
      (name) => `${name} of rustc,cargo,rust-std-x86_64-unknown-linux-gnu,rustfmt-preview,clippy-preview`,
    ),
    ...["gh", "aws", "nvim", "dart of flutter", "flutter", ""],
  ]);
  expect(await asAgent(lab, `bash -ic 'eval "$PROMPT_COMMAND"; echo "[$PS1]"'`)).toContain("[star]");
  expect(await lab.inside("stat -c %U /opt/olympus/tools/flutter-*/bin /opt/olympus/tools/go-*/bin")).toBe(
    "agent\nroot\n",
  );
  expect((await lab.apply("reset", { "dev-env": operations })).errors).toEqual([]);
  expect(await difference()).toEqual([]);

  const gh = new URL(readToolsLock(file).downloads.gh!.url).pathname;
  publisher.routes.set(gh, [whole(tarball({ "gh_1/bin/gh": says("another") }))]);
  const refused = await lab.apply("setup", { "dev-env": await wish(["gh"]) });
  expect(refused.errors.map(({ message }) => message).join()).toMatch(
    /not what was pinned: sha256 [0-9a-f]{64}, pinned/,
  );
  expect(await lab.inside("ls -A /opt/olympus/tools /usr/local/bin")).not.toContain("gh");
  expect((await lab.apply("reset", { "dev-env": operations })).errors).toEqual([]);
  expect(await difference()).toEqual([]);
});
