import { expect, test } from "vitest";
import type { Chat, ChatPost } from "../../src/harness/chat-port.ts";

/** A chat with one agent (athena) and one person, in a channel `work` and a direct message. */
export interface ChatWorld {
  readonly agent: Chat;
  readonly agentId: string;
  readonly personId: string;
  readonly work: string;
  /** Its name, `team/channel`. */
  readonly workName: string;
  readonly direct: string;
  /** The person writes. Gives the post's id. */
  say(channel: string, text: string, rootId?: string): Promise<string>;
  reactions(postId: string): Promise<number>;
}

/** What every `Chat` must do. Called within a `describe`; `world` is ready when a test runs. */
export function chatSuite(world: () => ChatWorld): void {
  const marker = (run: string, source: string) => ({ run, part: 0, source, hops: 1 });

  test("account tells who we are", async () => {
    expect(await world().agent.account()).toMatchObject({ id: world().agentId, name: "athena" });
  });

  test("channels lists direct messages too, with the time of the newest post", async () => {
    const { agent, work, direct, say } = world();
    await say(direct, "hello");
    const last = await say(work, "newest");
    const channels = await agent.channels();
    expect(channels.find(({ id }) => id === direct)).toMatchObject({ direct: true });
    const channel = channels.find(({ id }) => id === work)!;
    expect(channel.direct).toBe(false);
    const [newest] = await agent.page(channel, undefined);
    expect(newest!.id).toBe(last);
    expect(channel.lastPostAt).toBe(newest!.createdAt);
  });

  test("page goes back from the newest post, and ends", async () => {
    const { agent, work, say } = world();
    const first = await say(work, "page 1");
    const second = await say(work, "page 2", first);
    const channel = { id: work, direct: false, lastPostAt: 0 };
    const page = await agent.page(channel, undefined);
    expect(page.slice(0, 2).map(({ id }) => id)).toEqual([second, first]);
    expect(page[0]!.rootId).toBe(first);
    expect((await agent.page(channel, second))[0]!.id).toBe(first);
    let before: string | undefined;
    for (let pages = 0; pages < 50; pages++) {
      const next = await agent.page(channel, before);
      if (next.length === 0) return;
      before = next.at(-1)!.id;
    }
    throw new Error("paging does not end");
  });

  test("an own post is edited and keeps its marker; who is writing may be shown", async () => {
    const { agent, work, say } = world();
    const root = await say(work, "please");
    await agent.typing(work, root);
    const own = { channelId: work, rootId: root, text: "one", marker: marker("run-edit", root) };
    const id = await agent.post(own);
    await agent.edit(id, "two");
    const edited = (await agent.thread(root)).find((post) => post.id === id);
    expect(edited).toMatchObject({ text: "two", marker: { run: "run-edit" } });
  });

  test("a text is attached to a post and can be read again, unless it is larger than wanted", async () => {
    const { agent, work, say } = world();
    const root = await say(work, "please");
    const file = { name: "answer.md", text: "# Ändern\n" };
    const picture = { name: "dot.png", base64: Buffer.from([137, 80, 78, 71, 0, 255]).toString("base64") };
    const files = [file, picture];
    await agent.post({ channelId: work, rootId: root, text: "see", marker: marker("run-file", root), files });
    const [attached, second] = (await agent.thread(root)).at(-1)!.files ?? [];
    expect(Buffer.from(await agent.file(second!.id, 10)).toString("base64")).toBe(picture.base64);
    expect(attached).toMatchObject({ name: "answer.md", size: 10 });
    expect(Buffer.from(await agent.file(attached!.id, 10)).toString()).toBe(file.text);
    await expect(agent.file(attached!.id, 9)).rejects.toMatchObject({ kind: "refused" });
  });

  test("a post without a root begins a thread, once, and shows on the channel's newest page", async () => {
    const { agent, agentId, work } = world();
    const post = { channelId: work, rootId: "", text: "good morning", marker: marker("run-schedule", "s") };
    const id = await agent.post(post);
    expect(await agent.post(post)).toBe(id);
    const [newest] = await agent.page({ id: work, direct: false, lastPostAt: 0 }, undefined);
    expect(newest).toMatchObject({ id, rootId: id, authorId: agentId, marker: { run: "run-schedule" } });
  });

  test("channels are known by name", async () => {
    const { agent, work, workName } = world();
    expect(await agent.channelNamed(workName)).toBe(work);
    await expect(agent.channelNamed("no-such-team/x")).rejects.toMatchObject({ kind: "refused" });
  });

  test("post writes into the thread, keeps its marker, and the same run and part twice is one post", async () => {
    const { agent, agentId, work, say } = world();
    const root = await say(work, "a question");
    const post = { channelId: work, rootId: root, text: "an **answer**", marker: marker("run-a", root) };
    const id = await agent.post(post);
    expect(await agent.post(post)).toBe(id);
    const thread = await agent.thread(root);
    expect(thread.map((one) => one.id)).toEqual([root, id]);
    expect(thread[1]).toMatchObject({
      authorId: agentId,
      text: "an **answer**",
      rootId: root,
      marker: post.marker,
      automatic: true,
    });
  });

  test("post refuses a thread that is not there, thread and acknowledge a post that is not there", async () => {
    const { agent, work } = world();
    const gone = "a".repeat(26);
    const refused = { kind: "refused" };
    await expect(
      agent.post({ channelId: work, rootId: gone, text: "x", marker: marker("run-b", gone) }),
    ).rejects.toMatchObject(refused);
    await expect(agent.thread(gone)).rejects.toMatchObject(refused);
    await expect(agent.acknowledge(gone)).rejects.toMatchObject(refused);
  });

  test("acknowledge twice is once", async () => {
    const { agent, work, say, reactions } = world();
    const id = await say(work, "seen?");
    await agent.acknowledge(id);
    await agent.acknowledge(id);
    expect(await reactions(id)).toBe(1);
  });

  test("names gives user names and leaves unknown ids out", async () => {
    const { agent, personId } = world();
    const names = await agent.names([personId, "z".repeat(26)]);
    expect([...names]).toEqual([[personId, "alice"]]);
  });

  test("maxPost is a number of characters", async () => {
    expect(await world().agent.maxPost()).toBeGreaterThanOrEqual(4000);
  });

  test("open announces posts with what the server knows of mentions", async () => {
    const { agent, work, direct, say } = world();
    const seen: ChatPost[] = [];
    const connected = new Promise<void>((resolve) =>
      agent.open({ connected: resolve, disconnected: () => undefined, posted: (post) => seen.push(post) }),
    );
    await connected;
    const plain = await say(work, "no mention");
    const mention = await say(work, "@athena hello");
    const all = await say(work, "@all hello");
    const private_ = await say(direct, "psst");
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(4);
    agent.close();
    const by = (id: string) => seen.find((post) => post.id === id)!;
    expect(by(plain)).toMatchObject({ mentioned: false, direct: false, channelId: work });
    expect(by(mention)).toMatchObject({ mentioned: true, text: "@athena hello" });
    expect(by(all).mentioned).toBe(true);
    expect(by(private_)).toMatchObject({ mentioned: true, direct: true });
  });
}
