/** What is deployed after a merge: the harness calls a real sshd whose key opens one command, on the rehearsal forge's commits. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { gateBegun, gateOf, liveGates } from "../../src/harness/gates/book.ts";
import { answerGate } from "../../src/harness/gates/chat.ts";
import { keep } from "../../src/harness/gates/keeper.ts";
import { gateWord } from "../../src/harness/gates/words.ts";
import { policySchema } from "../../src/harness/policy/schema.ts";
import { type GateStage, gateStage, repo, where } from "../support/gate-stage.ts";
import { makeKey, startSshd, type TestSshd } from "../support/sshd.ts";

let stage: GateStage;
let sshd: TestSshd;
let parts: GateStage["parts"];
let runs = 0;
let posts = 0;
const at = (name: string) => join(stage.dir, name);

beforeAll(async () => {
  stage = await gateStage();
  // The door as the role puts it onto hosts, with its folder here.
  const door = readFileSync(join(projectRoot, "roles/deploy/door.sh"), "utf8");
  mkdirSync(at("work"));
  writeFileSync(at("door"), door.replace("/var/lib/olympus-deploy/work", at("work")));
  writeFileSync(
    at("go"),
    `#!/bin/sh\necho "$1" >>${at("calls")}\necho "deploying $2$1"\n[ ! -e ${at("broken")} ] || { echo '\`\`\` it broke'; exit 3; }\n`,
  );
  for (const file of ["door", "go"]) chmodSync(at(file), 0o755);
  const key = makeKey(stage.dir, "key");
  const line = `restrict,command="${at("door")} shop ${at("go")}" ${key.public}`;
  sshd = await startSshd(stage.dir, "host", { ...key, public: line });
  const { address, port, user, hostKey } = sshd.target;
  const host = { name: "agora", address, port, user, key: hostKey.split(" ").slice(0, 2).join(" ") };
  const deploy = { name: "shop", repository: repo, kind: "infrastructure", host, keyFile: at("key") };
  const policy = policySchema.parse({ ...stage.config.policy, deploys: [deploy] });
  parts = { ...stage.parts, config: { ...stage.config, policy }, policy };
}, 120_000);
afterAll(async () => {
  await sshd?.stop();
  await stage?.close();
});

const step = (number: number, run = `run${++runs}`) =>
  keep(parts, run, repo, number, { channelId: "c", rootId: "t" }).then(({ text }) => text);
const say = (authorId: string, text: string) => {
  const post = { id: `p${++posts}`, channelId: "c", rootId: "t", authorId, text, createdAt: 1, direct: false, hops: 0 };
  return answerGate(parts, post, gateWord(text, "athena")!);
};
const calls = () => (existsSync(at("calls")) ? readFileSync(at("calls"), "utf8").trim().split("\n") : []);

/** A pull request of athena's that was merged, and the gate of its deployment. */
async function merged() {
  const { number, sha } = await stage.ready();
  const review = { ...where, pull_number: number, event: "APPROVE" as const, body: "Good.", commit_id: sha };
  await stage.as("token-of-mara").pulls.createReview(review);
  expect(await step(number)).toContain("Merged");
  const text = await step(number);
  const id = /!approve ([0-9a-f]{10})/.exec(text)?.[1] ?? "";
  return { number, text, id, commit: await stage.main() };
}

test("merged, asked, approved by somebody who may: deployed once, its output is said; a second look does nothing", async () => {
  const { number, text, id, commit } = await merged();
  expect(text).toContain("@mara: deploy `shop` on agora");
  expect(gateOf(stage.store, id)).toMatchObject({ commit, kinds: ["infrastructure"], state: "asked" });
  for (const who of ["id-kim", "bot-apollo", "bot-athena", "id-nobody"])
    expect(say(who, `!approve ${id}`) ?? "silence").not.toBe("Approved.");
  expect(await step(number)).toBe("");
  expect(calls()).toEqual([]);
  expect(say("id-mara", `!approve ${id}`)).toBe("Approved.");
  const told = await step(number, "doing");
  expect(told).toContain(
    `The deployment of \`shop\` to \`${commit.slice(0, 10)}\` on agora is done, approved by mara.`,
  );
  expect(told).toContain(`deploying ${commit}`);
  expect(calls()).toEqual([commit]);
  // Killed before it could hand its words over, the same run says them again, and does nothing more.
  expect(await step(number, "doing")).toBe(told);
  expect(await step(number)).toBe("");
  expect(calls()).toEqual([commit]);
  const acts = stage.log().filter(({ kind, what }) => kind === "act" && what === "deploy shop");
  expect(acts).toMatchObject([{ actor: "harness", subject: `${repo}#${number}@${commit}`, evidence: { gate: id } }]);
});

test("C7 a newer merge closes the gate of an older one, also when it was opened", async () => {
  const older = await merged();
  expect(say("id-mara", `!approve ${older.id}`)).toBe("Approved.");
  const before = calls().length;
  const newer = await merged();
  await step(older.number);
  expect(gateOf(stage.store, older.id)).toMatchObject({ state: "closed", reason: "main has a newer commit" });
  expect(calls()).toHaveLength(before);
  expect(say("id-mara", `!approve ${older.id}`)).toContain("closed");
  expect(gateOf(stage.store, newer.id)!.state).toBe("asked");
});

test("what fails is told and takes another approval; the way back is taken with a word, by whoever may", async () => {
  const { number, id, commit } = await merged();
  const before = calls().at(-1)!;
  writeFileSync(at("broken"), "");
  say("id-mara", `!approve ${id}`);
  const failed = await step(number);
  expect(failed).toContain("**failed** (exit code 3)");
  expect(failed).toContain("````text");
  expect(failed).toContain(`The way back to \`${before.slice(0, 10)}\`: \`!back ${id}\``);
  expect(await step(number)).toBe("");
  expect(calls().at(-1)).toBe(commit);
  expect(say("id-kim", `!back ${id}`)).toContain("may not approve");
  expect(await step(number)).toBe("");
  writeFileSync(at("calls"), "");
  rmSync(at("broken"));
  expect(say("id-mara", `!back ${id}`)).toBe("Going back.");
  expect(await step(number)).toContain(`Going back of \`shop\` to \`${before.slice(0, 10)}\` on agora is done`);
  expect(calls()).toEqual([before]);
  expect(say("id-mara", `!approve ${id}`)).toBe("Approved.");
  expect(await step(number)).toContain("is done");
  expect(calls()).toEqual([before, commit]);
});

test("stopped while it ran: nobody knows how it ended, and it is not begun again without a person", async () => {
  const { number, id } = await merged();
  say("id-mara", `!approve ${id}`);
  gateBegun(stage.store, gateOf(stage.store, id)!, 1);
  const before = calls().length;
  expect(await step(number)).toContain("is not known. Look at agora. To begin it again: `!approve");
  expect([calls().length, gateOf(stage.store, id)!.state]).toEqual([before, "asked"]);
});

test("a host that shows another key is told nothing", async () => {
  const { number, id } = await merged();
  say("id-mara", `!approve ${id}`);
  const other = makeKey(stage.dir, "other").public.split(" ").slice(0, 2).join(" ");
  const [deploy] = parts.policy.deploys;
  const wrong = { ...parts.policy, deploys: [{ ...deploy!, host: { ...deploy!.host, key: other } }] };
  const before = calls().length;
  const text = (await keep({ ...parts, policy: wrong }, "wrong", repo, number)).text;
  expect(text).toContain("**failed** (exit code 255)");
  expect(text).toContain("Host key verification failed");
  expect(calls()).toHaveLength(before);
  expect(liveGates(stage.store).find((gate) => gate.id === id)?.state).toBe("asked");
});

test("the deployment with the CDK runs what stands on main, at that commit, and nothing else", () => {
  const folder = at("cdk");
  const [bin, source, work] = ["bin", "source", "work"].map((name) => join(folder, name)) as [string, string, string];
  for (const one of [bin, source, work]) mkdirSync(one, { recursive: true });
  // In place of npm's, which would fetch the CDK: they note what they are called with, and where.
  for (const name of ["npm", "npx"]) {
    writeFileSync(
      join(bin, name),
      `#!/bin/sh\necho "${name} $* at $(git rev-parse HEAD) $(cat stack.txt)" >>${join(folder, "called")}\n`,
    );
    chmodSync(join(bin, name), 0o755);
  }
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, GIT_CONFIG_NOSYSTEM: "1" };
  const git = (...args: string[]): string => {
    const who = ["-c", "user.name=m", "-c", "user.email=m@x"];
    return execFileSync("git", [...who, ...args], { cwd: source, env, encoding: "utf8" }).trim();
  };
  const commit = (text: string): string => {
    writeFileSync(join(source, "stack.txt"), text);
    git("add", "-A");
    git("commit", "-qm", text);
    return git("rev-parse", "HEAD");
  };
  git("init", "-q", "-b", "main");
  const first = commit("one");
  const second = commit("two");
  git("checkout", "-q", "-b", "proposed");
  const proposed = commit("evil");
  git("checkout", "-q", "main");
  const script = join(projectRoot, "docs/reference/cdk-deploy.sh");
  const deploy = (...words: string[]) => {
    rmSync(join(folder, "called"), { force: true });
    const { status, stderr } = spawnSync("bash", [script, ...words], { cwd: work, env, encoding: "utf8" });
    const called = existsSync(join(folder, "called")) ? readFileSync(join(folder, "called"), "utf8").trim() : "";
    return { status, stderr, called: called.split("\n").filter(Boolean) };
  };
  const ran = (sha: string, text: string) => [
    `npm ci --no-audit --no-fund at ${sha} ${text}`,
    `npx --no-install cdk deploy ShopStack --require-approval never --progress events --ci at ${sha} ${text}`,
  ];
  expect(deploy(source, "ShopStack", second)).toMatchObject({ status: 0, called: ran(second, "two") });
  // The way back, also past what somebody left lying in the checkout.
  writeFileSync(join(work, "ShopStack", "stack.txt"), "changed by hand");
  expect(deploy(source, "ShopStack", first)).toMatchObject({ status: 0, called: ran(first, "one") });
  // What came to main since it was cloned.
  const third = commit("three");
  expect(deploy(source, "ShopStack", third)).toMatchObject({ status: 0, called: ran(third, "three") });
  // Fetched or not: nobody merged it.
  execFileSync("git", ["fetch", "-q", "origin", "proposed"], { cwd: join(work, "ShopStack"), env });
  for (const other of [proposed, "0".repeat(40)])
    expect(deploy(source, "ShopStack", other)).toMatchObject({ status: 65, called: [] });
  for (const word of ["main", second.slice(0, 12), `${second}x`, "--help", `${second}\n`, second.toUpperCase(), ""])
    expect(deploy(source, "ShopStack", word)).toMatchObject({ status: 64, called: [] });
  expect(deploy(source, "ShopStack").status).toBe(64);
});
