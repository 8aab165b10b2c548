import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import type { RoleContext } from "../../src/converge/types.ts";
import { startPublisher, whole } from "../../test/support/publisher.ts";
import { testRoleCases } from "../../test/support/role-cases.ts";
import { readToolsLock, resolvePins, toolsLockFile } from "./pins.ts";
import { role } from "./role.ts";
import { toolTable } from "./table.ts";
import { toolNames } from "./tools.ts";

testRoleCases(role, join(import.meta.dirname, "cases"));

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "olympus-dev-env-"));
afterAll(() => rmSync(folder, { recursive: true }));

const on = (roles: object) =>
  ({ team: {}, host: { name: "athena", kind: "agent", roles }, signal }) as unknown as RoleContext;
const inputs = async (params: object, roles: object = {}) => role.inputs(on(roles), role.params.parse(params));

test("the page has the role's own table", () => {
  const page = join(projectRoot, "docs/reference/dev-env.md");
  const text = readFileSync(page, "utf8");
  const whole = text.replace(/\| tool \|.*?\n(?=\n)/s, () => toolTable());
  if (process.env.OLYMPUS_WRITE_CASES) writeFileSync(page, whole);
  else expect(text).toBe(whole);
  expect(text).toContain("| `flutter` |");
});

test("bad words are refused with what is wrong", async () => {
  const refused = (params: object): string | undefined => role.params.safeParse(params).error?.issues[0]?.message;
  expect(refused({ tools: ["pyton"] })).toContain('"python"');
  expect(refused({ tools: [] })).toBeDefined();
  expect(refused({})).toBeDefined();
  expect(refused({ tools: ["go"], sources: "official" })).toContain("sources");
  expect(refused({ tools: ["go"], user: "a b" })).toBeDefined();
  await expect(inputs({ tools: ["docker"] })).rejects.toMatchObject({
    code: "E-ROLE-REQUIRES",
    hint: expect.stringContaining("docker: {}"),
  });
  expect(await inputs({ tools: ["docker"] }, { docker: {} })).toMatchObject({ pins: {} });
  await expect(inputs({ tools: ["dart"], source: "registries" })).rejects.toMatchObject({ code: "E-DEV-ENV-SOURCE" });
});

test("what a distribution does not package is refused by name before anything begins", async () => {
  const ask = (image: string, source: string) => {
    const context = { team: {}, host: { name: "athena", roles: {}, machine: { image } }, signal };
    return role.inputs(context as unknown as RoleContext, role.params.parse({ tools: ["aws-cli"], source }));
  };
  await expect(ask("ubuntu-24.04", "registries")).rejects.toMatchObject({
    code: "E-DEV-ENV-SOURCE",
    message: "aws-cli is in none of the package registries of ubuntu-24.04.",
    hint: expect.stringContaining("official"),
  });
  for (const image of ["debian-12", "ubuntu-22.04"]) expect(await ask(image, "registries")).toMatchObject({ pins: {} });
});

test("a checksum is learnt from the publisher once, kept in the lock, and never asked for again", async () => {
  await using publisher = await startPublisher();
  const file = join(folder, "tools.lock.json");
  const lock = readToolsLock();
  lock.downloads.go = { version: "1.2.3", url: `${publisher.url}/go.tar.gz`, checksums: `${publisher.url}/go.sha256` };
  writeFileSync(file, JSON.stringify(lock));
  publisher.routes.set("/go.sha256", [whole(`${"c".repeat(64)}\n`), whole(`${"d".repeat(64)}\n`)]);
  const pin = { version: "1.2.3", url: `${publisher.url}/go.tar.gz`, sha256: "c".repeat(64) };
  expect(await resolvePins(["go"], signal, file)).toEqual({ go: pin });
  expect(await resolvePins(["go"], signal, file)).toEqual({ go: pin });
  expect(publisher.requests).toEqual(["GET /go.sha256"]);
  expect(readToolsLock(file).downloads.go!.sha256).toBe("c".repeat(64));
});

test("a publisher that is not reached is named, with what to do", async () => {
  const file = join(folder, "unreached.lock.json");
  copyFileSync(toolsLockFile, file);
  const lock = readToolsLock(file);
  lock.downloads.go = {
    version: "1",
    url: "http://127.0.0.1:9/go.tar.gz",
    checksums: "http://127.0.0.1:9/go.sha256",
  };
  writeFileSync(file, JSON.stringify(lock));
  await expect(resolvePins(["go"], signal, file)).rejects.toMatchObject({
    code: "E-DOWNLOAD",
    message: expect.stringContaining("go: "),
    hint: expect.stringContaining("registries"),
  });
});

test("every download of the lock file is some tool's", () => {
  expect(Object.keys(readToolsLock().downloads).filter((name) => !(toolNames as string[]).includes(name))).toEqual([]);
});
