import { expect } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";

/** The administrator of a chat that the role set up, by the server's API. */
export interface ChatAccount {
  ask(path: string, body?: object | FormData): Promise<Response>;
  /** What was answered, where that is no refusal. */
  told<T>(path: string, body?: object | FormData): Promise<T>;
}

/** Logs in anew, once the server answers: one that was started again may need its time. */
export async function chatAccount(url: string, secrets: SecretStore): Promise<ChatAccount> {
  await expect
    .poll(async () => (await fetch(`${url}/api/v4/system/ping`)).status, { timeout: 300_000, interval: 500 })
    .toBe(200);
  const password = secrets.require("mattermost.admin.password").reveal();
  const body = JSON.stringify({ login_id: "olympus-admin", password });
  const response = await fetch(`${url}/api/v4/users/login`, { method: "POST", body });
  expect(response.status).toBe(200);
  const headers = { authorization: `Bearer ${response.headers.get("token")!}` };
  const ask = (path: string, given?: object | FormData): Promise<Response> =>
    fetch(`${url}/api/v4${path}`, {
      headers,
      ...(given && { method: "POST", body: given instanceof FormData ? given : JSON.stringify(given) }),
    });
  return {
    ask,
    async told<T>(path: string, given?: object | FormData) {
      const answer = await ask(path, given);
      if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as T;
    },
  };
}

/** A post in a team's town square with a file; gives where both are asked for. */
export async function postFile(
  { told }: ChatAccount,
  { team, message, content }: { readonly team: string; readonly message: string; readonly content: string },
): Promise<{ readonly post: string; readonly file: string }> {
  const { id: channel } = await told<{ id: string }>(`/teams/name/${team}/channels/name/town-square`);
  const form = new FormData();
  form.set("channel_id", channel);
  form.set("files", new Blob([content]), "minutes.txt");
  const { file_infos } = await told<{ file_infos: { id: string }[] }>("/files", form);
  const file_ids = file_infos.map(({ id }) => id);
  const { id } = await told<{ id: string }>("/posts", { channel_id: channel, message, file_ids });
  return { post: `/posts/${id}`, file: `/files/${file_ids[0]}` };
}
