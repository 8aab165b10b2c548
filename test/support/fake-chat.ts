/** As much of Mattermost's API as one bot's tokens take; its administrator is whoever asks. */
export interface FakeChat {
  answer(path: string, init: RequestInit): Response;
  takes(token: string): boolean;
  tokens(): string[];
}

export function fakeChat(botId: string, first: { readonly id: string; readonly token: string }): FakeChat {
  const tokens = new Map([[first.id, first.token]]);
  const json = (value: unknown, status = 200): Response =>
    new Response(JSON.stringify(value), { status, headers: { token: "session", "content-type": "application/json" } });
  const takes = (token: string): boolean => [...tokens.values()].includes(token);
  return {
    takes,
    tokens: () => [...tokens.values()],
    answer(path, { method = "GET", body, headers }) {
      const request = `${method.toUpperCase()} ${path.replace("/api/v4", "")}`;
      const given = new Headers(headers).get("authorization")?.replace(/^bearer /i, "") ?? "";
      switch (request) {
        case "GET /config/client":
          return json({ NoAccounts: "false" });
        case "POST /users/login":
          return json({ id: "admin", roles: "system_user system_admin" });
        case "POST /users/logout":
          return json({ status: "OK" });
        case "GET /users/me":
          return takes(given) ? json({ id: botId }) : json({ message: "no session", status_code: 401 }, 401);
        case `GET /users/${botId}/tokens`:
          return json([...tokens.keys()].map((id) => ({ id, description: "olympus" })));
        case `POST /users/${botId}/tokens`: {
          const id = `id-${tokens.size}-${Math.random()}`;
          tokens.set(id, `token-of-${id}`);
          return json({ id, token: `token-of-${id}` });
        }
        case "POST /users/tokens/revoke":
          tokens.delete((JSON.parse(String(body)) as { token_id: string }).token_id);
          return json({ status: "OK" });
        default:
          throw new Error(`the played chat does not know ${request}`);
      }
    },
  };
}
