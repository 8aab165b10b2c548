import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tarball, zip } from "../../test/support/archives.ts";
import { cutOff, type Publisher, startPublisher, status, whole } from "../../test/support/publisher.ts";
import { OlympusErrors } from "../base/errors.ts";
import { silentReporter } from "../base/report.ts";
import { type EnsureOptions, ensureTools } from "./ensure.ts";
import { layoutOf } from "./layout.ts";
import { platform, readLock, type ToolLock, type ToolName, toolNames } from "./lock.ts";
import { readStamp } from "./stamp.ts";

const archives: Record<ToolName, { name: string; bytes: Buffer }> = {
  pulumi: { name: "pulumi.tar.gz", bytes: tarball({ "pulumi/pulumi": "official pulumi", "pulumi/other": "x" }) },
  bridge: { name: "bridge.tar.gz", bytes: tarball({ "pulumi-resource-terraform-provider": "official bridge" }) },
  provider: {
    name: "provider.zip",
    bytes: zip({ "terraform-provider-libvirt_v0.8.3": "official provider", LICENSE: "x" }),
  },
  mattermost: {
    name: "mattermost.tar.gz",
    bytes: tarball({
      "mattermost/bin/mattermost": "official server",
      "mattermost/i18n/en.json": "[]",
      "mattermost/templates/a.html": "a",
      "mattermost/fonts/a.ttf": "a",
      "mattermost/client/root.html": "page",
    }),
  },
};
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

let publisher: Publisher;
let folder: string;
let lockFile: string;
let root: string;
let go: string;
let reporter: ReturnType<typeof silentReporter>;

beforeEach(async () => {
  publisher = await startPublisher();
  folder = mkdtempSync(join(tmpdir(), "olympus-ensure-"));
  lockFile = join(folder, "lock.json");
  root = join(folder, "tools");
  go = join(folder, "go");
  reporter = silentReporter();
  const lock = readLock();
  const sums: string[] = [];
  for (const tool of toolNames) {
    const { name, bytes } = archives[tool];
    publisher.routes.set(`/${name}`, [whole(bytes)]);
    sums.push(`${sha256(bytes)}  ${name}`);
    const checksums = tool === "mattermost" ? {} : { checksums: `${publisher.url}/SUMS` };
    lock.tools[tool].downloads = { [platform()]: { url: `${publisher.url}/${name}`, ...checksums } };
  }
  publisher.routes.set("/SUMS", [whole(sums.join("\n"))]);
  writeFileSync(lockFile, JSON.stringify(lock));
  fakeGo();
});
afterEach(async () => {
  await publisher[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Stands in for Go: builds a file that says so, and has a Mattermost module. */
function fakeGo(version = "go1.26.0"): void {
  const module = join(folder, "module");
  writeFileSync(
    go,
    `#!/bin/sh
echo "$@" >> '${folder}/go.log'
case "$1 $*" in
  version*) echo go version ${version} linux/amd64;;
  build*) while [ "$1" != -o ]; do shift; done; echo "built $3" > "$2";;
  list*-m*) mkdir -p '${module}/i18n' '${module}/templates' '${module}/fonts'; echo '[]' > '${module}/i18n/en.json'; chmod 0555 '${module}/i18n'; echo '${module}';;
esac
`,
  );
  chmodSync(go, 0o755);
}

const ensure = (more: Partial<EnsureOptions> = {}) =>
  ensureTools({
    reporter,
    signal: new AbortController().signal,
    lockFile,
    root,
    go,
    environment: { PATH: "/nowhere", HOME: folder },
    compileSdk: async () => false,
    backoff: 1,
    ...more,
  });
const origins = () => toolNames.map((tool) => readStamp(layoutOf(readLock(lockFile), root).store(tool))?.origin);
const locked = (tool: ToolName) => readLock(lockFile).tools[tool].downloads[platform()]?.sha256;

function change(edit: (lock: ToolLock) => void): void {
  const lock = readLock(lockFile);
  edit(lock);
  writeFileSync(lockFile, JSON.stringify(lock));
}

describe("tools from their publishers", () => {
  test("are installed in the shapes that their users expect", async () => {
    const tools = await ensure();
    expect(origins()).toEqual(["download", "download", "download", "download"]);
    expect(readFileSync(tools.pulumi, "utf8")).toBe("official pulumi");
    expect(readdirSync(tools.binDir).sort()).toEqual(["node", "olympus", "pulumi", "pulumi-language-nodejs"]);
    expect(readdirSync(join(tools.pulumiHome, "plugins"))).toEqual(["resource-terraform-provider-v0.6.0"]);
    const wrapper = readdirSync(join(tools.pluginCache, "registry.opentofu.org/dmacvicar/libvirt/0.8.3"));
    expect(wrapper).toEqual([`linux_${process.arch === "x64" ? "amd64" : process.arch}`]);
    const folders = ["bin", "client", "config", "data", "fonts", "i18n", "logs", "plugins", "templates"];
    expect(readdirSync(tools.mattermost).filter((name) => !name.startsWith("."))).toEqual(folders);
    expect(readdirSync(join(tools.mattermost, "client")).sort()).toEqual(["plugins", "root.html"]);
    expect(existsSync(join(root, "build")) ? readdirSync(join(root, "build")) : []).toEqual([]);
  });

  test("have their checksums written to the lock on first use", async () => {
    await ensure();
    for (const tool of toolNames) expect(locked(tool)).toBe(sha256(archives[tool].bytes));
  });

  test("are not asked for again when they are there", async () => {
    await ensure();
    const before = publisher.requests.length;
    const installed = () => toolNames.map((tool) => statSync(layoutOf(readLock(lockFile), root).store(tool)).ino);
    const first = installed();
    await ensure();
    expect(publisher.requests).toHaveLength(before);
    expect(installed()).toEqual(first);
  });

  test("are refused when they are not what they were on first use, and the others are kept", async () => {
    await ensure();
    rmSync(root, { recursive: true });
    publisher.routes.set("/bridge.tar.gz", [
      whole(tarball({ "pulumi-resource-terraform-provider": "somebody else's" })),
    ]);
    const failure = await ensure().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OlympusErrors);
    expect((failure as OlympusErrors).errors.map((error) => error.code)).toEqual(["E-CHECKSUM"]);
    expect(origins()).toEqual(["download", undefined, "download", "download"]);
  });

  test("are refused when they are not what the publisher's own list says", async () => {
    publisher.routes.set("/SUMS", [
      whole(
        Object.values(archives)
          .map(({ name }) => `${"0".repeat(64)}  ${name}`)
          .join("\n"),
      ),
    ]);
    await expect(ensure({ only: ["pulumi"] })).rejects.toMatchObject({ errors: [{ code: "E-CHECKSUM" }] });
    expect(locked("pulumi")).toBeUndefined();
  });

  test("are downloaded again after a broken transfer", async () => {
    publisher.routes.set("/provider.zip", [cutOff(archives.provider.bytes), whole(archives.provider.bytes)]);
    await ensure({ only: ["provider"] });
    expect(origins()[2]).toBe("download");
  });

  test("are installed again when the cache was damaged", async () => {
    const tools = await ensure();
    truncateSync(join(layoutOf(readLock(lockFile), root).store("pulumi"), "pulumi"), 3);
    await ensure();
    expect(readFileSync(tools.pulumi, "utf8")).toBe("official pulumi");
  });
});

describe("tools whose publisher cannot be had", () => {
  test("are built, and it is said once why", async () => {
    await publisher[Symbol.asyncDispose]();
    const tools = await ensure();
    expect(origins()).toEqual(["build", "build", "build", "build"]);
    expect(readFileSync(tools.pulumi, "utf8")).toContain("built ");
    expect(reporter.lines.filter((line) => line.includes("not reached"))).toHaveLength(1);
    publisher = await startPublisher();
  });

  test.each([status(404), status(500)])("are built when the file is not there (%#)", async (answer) => {
    publisher.routes.set("/pulumi.tar.gz", [answer]);
    await ensure({ only: ["pulumi"] });
    expect(origins()[0]).toBe("build");
    expect(reporter.lines.join("\n")).toMatch(/warning: pulumi: .*HTTP.*building it instead/);
  });

  test("are built with the pinned flags and replacements", async () => {
    await ensure({ source: "build" });
    const log = readFileSync(join(folder, "go.log"), "utf8");
    expect(log).toContain("get -tool github.com/pulumi/pulumi/pkg/v3/cmd/pulumi@v3.200.0");
    expect(log).toContain("-ldflags -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.200.0");
    expect(log).toContain(
      "mod edit -replace github.com/hashicorp/terraform-plugin-sdk/v2=github.com/pulumi/terraform-plugin-sdk/v2@",
    );
    expect(log).toContain("mod edit -require github.com/mattermost/mattermost/server/public@v0.1.3");
    expect(publisher.requests).toEqual([]);
  });

  test("need a Go that is new enough", async () => {
    fakeGo("go1.19.8");
    await expect(ensure({ source: "build", only: ["provider"] })).rejects.toMatchObject({ errors: [{ code: "E-GO" }] });
  });

  test("need Go at all", async () => {
    const only = ["provider"] as const;
    await expect(ensure({ source: "build", only, go: join(folder, "none") })).rejects.toMatchObject({
      errors: [{ code: "E-GO" }],
    });
  });

  test("end in an error when only downloads are wanted", async () => {
    publisher.routes.set("/pulumi.tar.gz", [status(404)]);
    const failure = ensure({ source: "download", only: ["pulumi"] });
    await expect(failure).rejects.toMatchObject({ errors: [{ code: "E-DOWNLOAD" }] });
  });
});

describe("tools that are there already", () => {
  const install = (version: string) => {
    writeFileSync(join(folder, "pulumi"), `#!/bin/sh\necho v${version}\n`, { mode: 0o755 });
    return ensure({ only: ["pulumi"], environment: { PATH: folder, HOME: folder } });
  };

  test("are copied when they have the pinned version", async () => {
    await install(readLock().tools.pulumi.version);
    expect(origins()[0]).toBe("found");
  });

  test("are passed over when they have another", async () => {
    await install("3.199.0");
    expect(origins()[0]).toBe("download");
  });
});

test("an interruption leaves nothing half-made", async () => {
  const interruption = new AbortController();
  writeFileSync(go, `#!/bin/sh\n[ "$1" = version ] && echo go version go1.26.0 && exit\nexec sleep 60\n`);
  const going = ensure({ source: "build", signal: interruption.signal });
  setTimeout(() => interruption.abort(), 300);
  await expect(going).rejects.toThrow();
  expect(origins()).toEqual([undefined, undefined, undefined, undefined]);
});

test("a lock file that is wrong is named with its field", () => {
  change((lock) => {
    lock.tools.pulumi.downloads = { x: { url: "not an address" } };
  });
  expect(() => readLock(lockFile)).toThrow(/tools\.pulumi\.downloads\.x\.url/);
});
