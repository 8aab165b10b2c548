import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { projectRoot } from "../base/paths.ts";
import { silentReporter } from "../base/report.ts";
import { Secret } from "../base/secret.ts";
import { loadTeam } from "../team/load.ts";
import { askAgent } from "./ask.ts";
import { chatClient, chatError } from "./client.ts";
import { bootstrap } from "./index.ts";

const team = await loadTeam(join(projectRoot, "examples/lab/team.yaml"));
const secrets = {
  get: (path: string) => new Secret(path, "value"),
  require: (path: string) => new Secret(path, "value"),
  save: async () => false,
} as unknown as SecretStore;

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function serve(answer: RequestListener): Promise<string> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it.each<[string, RequestListener]>([
  ["takes a request and never answers", () => undefined],
  [
    "stops in the middle of its answer",
    (_request, response) => void response.writeHead(200, { "content-type": "application/json" }).write('{"id":'),
  ],
])("a server that %s is told as down", async (_what, answer) => {
  const url = await serve(answer);
  const error = await chatClient(url, "token", undefined, 100)
    .getMe()
    .catch((thrown: unknown) => thrown);
  expect(chatError(error, url, "be set up")).toMatchObject({
    code: "E-CHAT-DOWN",
    exit: 4,
    message: "the chat does not answer: no answer in time",
  });
});

it.each(["bootstrap", "ask"] as const)("an interruption ends a request of %s that is on its way", async (what) => {
  const interruption = new AbortController();
  const asked = vi.fn();
  const url = await serve((request, response) => {
    if (request.url?.endsWith("/ping")) return void response.end("{}");
    asked();
    interruption.abort();
  });
  const options = { team, secrets, url, signal: interruption.signal };
  const work =
    what === "bootstrap"
      ? bootstrap({ ...options, reporter: silentReporter() })
      : askAgent({ ...options, agent: "athena", text: "hello", waitMs: 60_000 });
  await expect(work).rejects.toMatchObject({ name: "AbortError" });
  expect(asked).toHaveBeenCalledOnce();
});
