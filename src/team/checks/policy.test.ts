import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { projectRoot } from "../../base/paths.ts";
import { loadTeam } from "../load.ts";
import type { TeamProblems } from "../problems.ts";

const dir = mkdtempSync(join(tmpdir(), "olympus-policy-"));
afterAll(() => rmSync(dir, { recursive: true }));

const example = readFileSync(join(projectRoot, "examples/lab/team.yaml"), "utf8");
/** The lab's team with more in its policy. */
const load = (policy: string) => {
  const file = join(dir, "team.yaml");
  writeFileSync(file, example.replace("policy:\n", `policy:\n${policy}\n`));
  return loadTeam(file);
};
const refused = (policy: string): Promise<string> =>
  load(policy).then(
    () => "",
    (error: unknown) => (error as TeamProblems).errors.map(({ message }) => message).join("\n"),
  );

test("without rules a merge needs somebody who may, and security looks at everything", async () => {
  const { policy } = (await load("")).team;
  expect(policy.gates).toEqual({
    hours: 72,
    merge: [],
    deploy: {},
    sensitive: {},
    destructive: { commands: [], approvers: [] },
  });
  expect(policy.reviews).toEqual([{ lens: "security", paths: [], labels: [], lines: 0 }]);
});

test("rules by path, label and size", async () => {
  const { policy } = (
    await load(
      '  gates: {hours: 24, merge: [{paths: ["infra/**"], kind: infrastructure, approvers: [mara]}]}\n  reviews: [{lens: ux, labels: [ui], lines: 10}]',
    )
  ).team;
  expect(policy.gates.merge).toMatchObject([{ kind: "infrastructure", approvers: ["mara"] }]);
  expect(policy.reviews).toEqual([{ lens: "ux", paths: [], labels: ["ui"], lines: 10 }]);
});

test("people that are not there, rules that nobody could approve, and channels that nobody can post in are named", async () => {
  expect(await refused("  gates: {merge: [{approvers: [marra]}]}")).toContain('unknown person "marra"');
  expect(await refused("  gates: {merge: [{kind: deploy, approvers: [kim]}]}")).toContain(
    "none of kim may approve this: it takes merge and deploy",
  );
  const deploy = (more: string) => `  gates: {deploy: {shop: {repository: zeus/shop, command: /srv/go${more}}}}`;
  expect(await refused(deploy(", host: agorra"))).toContain('unknown host "agorra"');
  const lacking = await refused(deploy(", host: agora, approvers: [kim]"));
  expect(lacking).toContain("agora does not have the role deploy");
  expect(lacking).toContain('unknown repository "zeus/shop"');
  expect(lacking).toContain("none of kim may approve this: it takes deploy");
  expect(await refused(deploy(" $(reboot), host: agora"))).toContain("command is not valid");
  const destructive = "  gates: {destructive: {commands: [rm -rf], approvers: [kim]}}";
  expect(await refused(destructive)).toContain("none of kim may approve this: it takes destructive");
  const read = (more: string) => `  gates: {sensitive: {books: {about: x, ${more}}}}`;
  const unread = await refused(read("agents: [athen], file: /x, approvers: [kim]"));
  expect(unread).toContain('unknown agent "athen"');
  expect(unread).toContain("none of kim may approve this: it takes sensitive");
  expect(await refused(read("agents: [athena]"))).toContain("not valid");
  expect(await refused("  operations: olympus/nowhere")).toContain('unknown channel "olympus/nowhere"');
});
