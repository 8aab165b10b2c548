/** Issues, refs and contents of the rehearsal forge: driven by GitHub's own client, held against GitHub's own description. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refusal, type TriedForge, tryForge } from "../support/forge.ts";

const app = { owner: "zeus", repo: "app" };
let tried: TriedForge;
beforeAll(async () => {
  tried = await tryForge();
});
afterAll(async () => {
  await tried.forge.close();
  rmSync(tried.dir, { recursive: true });
});

test("who one is, and what one may do", async () => {
  const athena = tried.as("token-of-athena");
  expect((await athena.users.getAuthenticated()).data).toMatchObject({ login: "athena", type: "User" });
  expect((await athena.repos.get(app)).data.permissions).toMatchObject({ push: true, admin: false });
  expect((await athena.repos.getCollaboratorPermissionLevel({ ...app, username: "stranger" })).data.permission).toBe(
    "read",
  );
  expect((await athena.repos.listForAuthenticatedUser()).data.map(({ name }) => name)).toEqual(["app", "secret"]);
  expect((await refusal(tried.as("nonsense").users.getAuthenticated())).status).toBe(401);
  expect((await refusal(tried.as("token-of-stranger").repos.get({ owner: "zeus", repo: "secret" }))).status).toBe(404);
});

test("an issue: made, labelled, assigned, talked about, closed", async () => {
  const athena = tried.as("token-of-athena");
  const { data: issue } = await athena.issues.create({
    ...app,
    title: "First",
    body: "Text",
    labels: ["bug"],
    assignees: ["apollo"],
  });
  expect(issue).toMatchObject({
    number: 1,
    state: "open",
    user: { login: "athena" },
    author_association: "COLLABORATOR",
  });
  const at = { ...app, issue_number: issue.number };
  await athena.issues.addLabels({ ...at, labels: ["P1"] });
  const { data: comment } = await athena.issues.createComment({ ...at, body: "hello" });
  await athena.issues.updateComment({ ...app, comment_id: comment.id, body: "hello again" });
  expect(
    (await athena.reactions.createForIssueComment({ ...app, comment_id: comment.id, content: "eyes" })).status,
  ).toBe(201);
  expect(
    (await athena.reactions.createForIssueComment({ ...app, comment_id: comment.id, content: "eyes" })).status,
  ).toBe(200);
  await athena.issues.removeAssignees({ ...at, assignees: ["apollo"] });
  await athena.issues.update({ ...at, state: "closed", state_reason: "not_planned" });
  const { data: events } = await athena.issues.listEvents(at);
  expect(events.map(({ event }) => event)).toEqual(["labeled", "assigned", "labeled", "unassigned", "closed"]);
  const { data: now } = await athena.issues.get(at);
  expect(now).toMatchObject({
    state: "closed",
    state_reason: "not_planned",
    comments: 1,
    closed_by: { login: "athena" },
  });
  expect((await athena.issues.listForRepo({ ...app, labels: "P1", state: "all" })).data).toHaveLength(1);
  expect(
    (await athena.issues.listCommentsForRepo({ ...app, since: "2020-01-01T00:00:00Z" })).data[0]?.reactions?.eyes,
  ).toBe(1);
  expect((await athena.issues.listEventsForRepo(app)).data).toHaveLength(5);
});

test("an outsider files an issue, and sets neither labels nor assignees", async () => {
  const stranger = tried.as("token-of-stranger");
  const { data } = await stranger.issues.create({ ...app, title: "Please", labels: ["P0"], assignees: ["athena"] });
  expect(data).toMatchObject({ labels: [], assignees: [], author_association: "NONE" });
  expect((await refusal(stranger.issues.addLabels({ ...app, issue_number: data.number, labels: ["P0"] }))).status).toBe(
    403,
  );
  expect((await refusal(stranger.issues.create({ ...app, title: " " }))).errors).toEqual([
    { resource: "Issue", field: "title", code: "missing_field" },
  ]);
});

test("C11: a text of more than 65,536 characters is refused", async () => {
  const { status, message } = await refusal(
    tried.as("token-of-athena").issues.create({ ...app, title: "x", body: "y".repeat(65_537) }),
  );
  expect([status, message]).toEqual([422, "Validation Failed"]);
});

test("of many who make the same ref, one wins", async () => {
  const athena = tried.as("token-of-athena");
  const sha = (await athena.git.getRef({ ...app, ref: "heads/main" })).data.object.sha;
  const names = ["token-of-athena", "token-of-apollo", "token-of-zeus"];
  const tries = await Promise.allSettled(
    Array.from({ length: 9 }, (_, at) =>
      tried.as(names[at % 3]!).git.createRef({ ...app, ref: "refs/heads/olympus/issue-1", sha }),
    ),
  );
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const again = await refusal(athena.git.createRef({ ...app, ref: "refs/heads/olympus/issue-1", sha }));
  expect(again).toMatchObject({ status: 422, message: "Reference already exists" });
  expect((await athena.git.listMatchingRefs({ ...app, ref: "heads/olympus/" })).data).toHaveLength(1);
  await athena.git.deleteRef({ ...app, ref: "heads/olympus/issue-1" });
  expect((await refusal(athena.git.deleteRef({ ...app, ref: "heads/olympus/issue-1" }))).message).toBe(
    "Reference does not exist",
  );
});

test("contents: read, written, taken away", async () => {
  const athena = tried.as("token-of-athena");
  const path = "docs/a file.md";
  const { data: made } = await athena.repos.createOrUpdateFileContents({
    ...app,
    path,
    message: "Add",
    content: Buffer.from("hi\n").toString("base64"),
  });
  const { data: read } = await athena.repos.getContent({ ...app, path });
  expect(Buffer.from((read as { content: string }).content, "base64").toString()).toBe("hi\n");
  const blind = { ...app, path, message: "Change", content: "" };
  expect((await refusal(athena.repos.createOrUpdateFileContents(blind))).status).toBe(422);
  await athena.repos.deleteFile({ ...app, path, message: "Remove", sha: made.content!.sha! });
  expect((await refusal(athena.repos.getContent({ ...app, path }))).status).toBe(404);
  expect((await athena.repos.getContent({ ...app, path: "" })).data).toHaveLength(2);
  expect((await athena.repos.listCommits(app)).data).toHaveLength(3);
  expect((await athena.repos.compareCommitsWithBasehead({ ...app, basehead: "main...main" })).data.status).toBe(
    "identical",
  );
});

test("what a token may not do is refused, whoever has it", async () => {
  const reviewer = tried.as("reviewer");
  const sha = (await reviewer.git.getRef({ ...app, ref: "heads/main" })).data.object.sha;
  const refused = await refusal(reviewer.git.createRef({ ...app, ref: "refs/heads/x", sha }));
  expect(refused).toMatchObject({ status: 403, message: "Resource not accessible by personal access token" });
  expect((await refusal(tried.as("elsewhere").git.createRef({ ...app, ref: "refs/heads/x", sha }))).status).toBe(403);
});

test("pages, and lists that GitHub's client follows to the end", async () => {
  const athena = tried.as("token-of-athena");
  const { data: issue } = await athena.issues.create({ ...app, title: "Long" });
  for (let n = 0; n < 7; n++) await athena.issues.createComment({ ...app, issue_number: issue.number, body: `c${n}` });
  const all = await athena.paginate(athena.issues.listComments, { ...app, issue_number: issue.number, per_page: 3 });
  expect(all.map(({ body }) => body)).toEqual(["c0", "c1", "c2", "c3", "c4", "c5", "c6"]);
});

test("every exchange fits GitHub's description", () => {
  expect(tried.exchanges.length).toBeGreaterThan(40);
  expect(tried.wrong).toEqual([]);
});
