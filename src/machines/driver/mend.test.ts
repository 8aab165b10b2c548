import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mended, mendState } from "./mend.ts";

const component = { urn: "vm", type: "olympus:machines:Vm" };
const disk = { urn: "disk", type: "libvirt:index/volume:Volume", custom: true, id: "/disk" };
const half = { urn: "domain", type: "libvirt:index/domain:Domain", custom: true };

describe("mended", () => {
  it("drops what has no id and what was under way, and keeps everything else", () => {
    const state = { manifest: {}, resources: [component, disk, half], pending_operations: [{}] };
    expect(mended(state)).toEqual({ manifest: {}, resources: [component, disk] });
  });
  it("leaves a whole state alone", () => {
    expect(mended({ resources: [component, disk] })).toBeUndefined();
    expect(mended({})).toBeUndefined();
  });
});

describe("mendState", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "olympus-mend-"));
    // Gives the state that lies beside it, takes another one in, and keeps what it was asked for.
    const pulumi = `#!/bin/sh
cd "${folder}" && echo "$2" >>asked
case "$2" in
  export) [ -f state ] || { echo "error: no stack named 'r420' found" >&2; exit 255; }; cat state ;;
  import) [ -f locked ] && { cat locked >&2; exit 255; }; cat >state ;;
esac
`;
    writeFileSync(join(folder, "pulumi"), pulumi, { mode: 0o755 });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const state = (deployment: object): string => JSON.stringify({ version: 3, deployment });
  const has = (deployment: object): void => writeFileSync(join(folder, "state"), state(deployment));
  const mend = (backend: string): Promise<boolean> =>
    mendState({
      pulumi: join(folder, "pulumi"),
      env: { PULUMI_BACKEND_URL: backend },
      cwd: folder,
      project: "olympus",
      stack: "r420",
    });
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const unfinished = { resources: [disk, half], pending_operations: [{}] };

  it("takes what a killed run left out of a state that lies elsewhere", async () => {
    has(unfinished);
    expect(await mend("s3://ours")).toBe(true);
    expect(read("state")).toBe(state({ resources: [disk] }));
    expect(await mend("s3://ours")).toBe(false);
    expect(read("asked")).toBe("export\nimport\nexport\n");
  });

  it("has nothing to do where there is no state yet", async () => {
    expect(await mend("s3://ours")).toBe(false);
    writeFileSync(join(folder, "state"), '{ "version": 3, "deployment": null }');
    expect(await mend("s3://ours")).toBe(false);
  });

  it("asks Pulumi about a state in a local folder only where its file is unfinished", async () => {
    const file = join(folder, "kept/.pulumi/stacks/olympus/r420.json");
    mkdirSync(join(file, ".."), { recursive: true });
    has(unfinished);
    writeFileSync(file, JSON.stringify({ checkpoint: { latest: { resources: [disk] } } }));
    expect(await mend(`file://${folder}/kept`)).toBe(false);
    writeFileSync(file, JSON.stringify({ checkpoint: { latest: unfinished } }));
    expect(await mend(`file://${folder}/kept`)).toBe(true);
    expect(read("asked")).toBe("export\nimport\n");
  });

  it("names who works on it where what looks unfinished is under way", async () => {
    has(unfinished);
    writeFileSync(
      join(folder, "locked"),
      "error: the stack is currently locked by 1 lock(s).\n  s3://ours/.pulumi/locks/1.json: created by kim@rack (pid 4711) at 2026-11-21T08:24:27Z\n",
    );
    await expect(mend("s3://ours")).rejects.toMatchObject({
      code: "E-LOCKED",
      exit: 75,
      message: "r420 is being worked on by kim@rack (process 4711) since 2026-11-21T08:24:27Z",
    });
    expect(read("state")).toBe(state(unfinished));
  });
});
