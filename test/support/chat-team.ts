/**
 * A small team on an empty Mattermost, made over its REST API without Olympus's own bootstrap: what tests and benchmarks of the
 * harness need. One team with two channels, people who may command (alice, bob) and one who may not (mallory), bots with tokens.
 */
import { isProgress } from "../../src/harness/chat/marker.ts";

export interface ChatUser {
  readonly id: string;
  readonly name: string;
  readonly token: string;
}

export interface ChatPostRow {
  readonly id: string;
  readonly user_id: string;
  readonly root_id: string;
  readonly message: string;
  readonly create_at: number;
  readonly props: Record<string, unknown>;
}

export interface ChatTeam {
  readonly url: string;
  readonly teamId: string;
  readonly channels: Readonly<Record<string, string>>;
  readonly people: Readonly<Record<"alice" | "bob" | "mallory", ChatUser>>;
  readonly bots: Readonly<Record<string, ChatUser>>;
  readonly admin: ChatUser;
  api<T>(user: ChatUser, method: string, path: string, body?: unknown): Promise<T>;
  /** Posts and gives the new post. */
  say(user: ChatUser, channelId: string, message: string, rootId?: string): Promise<ChatPostRow>;
  thread(rootId: string): Promise<ChatPostRow[]>;
  /** Posts of `author` in a thread that are not its first, once there are at least `count`; fails after `seconds`. */
  answers(rootId: string, author: ChatUser, count?: number, seconds?: number): Promise<ChatPostRow[]>;
  reactions(postId: string): Promise<{ user_id: string; emoji_name: string; create_at: number }[]>;
  directChannel(a: ChatUser, b: ChatUser): Promise<string>;
  addChannel(name: string, members: readonly ChatUser[]): Promise<string>;
  /** Somebody new, in the team and no channel of it. */
  addPerson(name: string): Promise<ChatUser>;
}

const password = "Rehearsal-2026!";

export async function seedChatTeam(url: string, botNames: readonly string[] = ["athena", "hermes"]): Promise<ChatTeam> {
  const api = async <T>(user: ChatUser | undefined, method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}/api/v4${path}`, {
      method,
      headers: {
        ...(user === undefined ? {} : { authorization: `Bearer ${user.token}` }),
        "content-type": "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status} ${text.slice(0, 300)}`);
    return JSON.parse(text) as T;
  };
  const login = async (name: string): Promise<ChatUser> => {
    const response = await fetch(`${url}/api/v4/users/login`, {
      method: "POST",
      body: JSON.stringify({ login_id: name, password }),
    });
    if (!response.ok) throw new Error(`login of ${name}: HTTP ${response.status} ${await response.text()}`);
    return { id: ((await response.json()) as { id: string }).id, name, token: response.headers.get("token")! };
  };
  const person = async (name: string, by?: ChatUser): Promise<ChatUser> => {
    await api(by, "POST", "/users", { username: name, email: `${name}@example.com`, password });
    return login(name);
  };

  const admin = await person("root-admin");
  const team = await api<{ id: string }>(admin, "POST", "/teams", { name: "lab", display_name: "Lab", type: "O" });
  const join = (user: ChatUser) =>
    api(admin, "POST", `/teams/${team.id}/members`, { team_id: team.id, user_id: user.id });
  const people = {
    alice: await person("alice", admin),
    bob: await person("bob", admin),
    mallory: await person("mallory", admin),
  };
  const bots: Record<string, ChatUser> = {};
  for (const name of botNames) {
    const bot = await api<{ user_id: string }>(admin, "POST", "/bots", { username: name, display_name: name });
    const token = await api<{ token: string }>(admin, "POST", `/users/${bot.user_id}/tokens`, {
      description: "harness",
    });
    bots[name] = { id: bot.user_id, name, token: token.token };
  }
  const everybody = [...Object.values(people), ...Object.values(bots)];
  for (const user of everybody) await join(user);
  const addChannel = async (name: string, members: readonly ChatUser[]): Promise<string> => {
    const channel = await api<{ id: string }>(admin, "POST", "/channels", {
      team_id: team.id,
      name,
      display_name: name,
      type: "O",
    });
    for (const member of members) await api(admin, "POST", `/channels/${channel.id}/members`, { user_id: member.id });
    return channel.id;
  };
  const channels = { work: await addChannel("work", everybody), talk: await addChannel("talk", everybody) };
  const thread = async (rootId: string): Promise<ChatPostRow[]> => {
    const list = await api<{ posts: Record<string, ChatPostRow> }>(admin, "GET", `/posts/${rootId}/thread`);
    return Object.values(list.posts).sort((a, b) => a.create_at - b.create_at);
  };

  return {
    url,
    teamId: team.id,
    channels,
    people,
    bots,
    admin,
    api,
    addChannel,
    async addPerson(name) {
      const user = await person(name, admin);
      await join(user);
      return user;
    },
    thread,
    say: (user, channelId, message, rootId = "") =>
      api(user, "POST", "/posts", { channel_id: channelId, message, root_id: rootId }),
    reactions: async (postId) =>
      (await api<{ user_id: string; emoji_name: string; create_at: number }[] | null>(
        admin,
        "GET",
        `/posts/${postId}/reactions`,
      )) ?? [],
    directChannel: async (a, b) => (await api<{ id: string }>(a, "POST", "/channels/direct", [a.id, b.id])).id,
    async answers(rootId, author, count = 1, seconds = 100) {
      const deadline = Date.now() + seconds * 1000;
      for (;;) {
        const found = (await thread(rootId)).filter(
          (post) => post.user_id === author.id && post.id !== rootId && !isProgress(post.props),
        );
        if (found.length >= count) return found;
        if (Date.now() > deadline) throw new Error(`${found.length} of ${count} answers after ${seconds} s`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}
