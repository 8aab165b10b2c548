import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { Secret } from "../../base/secret.ts";
import { mattermostChat } from "./mattermost.ts";

test("a file that is larger than it said is left where the limit is, and its connection with it", async () => {
  let left: Promise<unknown> | undefined;
  const server = createServer((_request, response) => {
    left = once(response, "close");
    // Without an end, as long as anybody takes it in.
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const chat = mattermostChat({ url: `http://127.0.0.1:${port}`, token: new Secret("t", "t"), botId: "bot" });
    const refused = { kind: "refused", message: "the file is larger than 1000 bytes" };
    await expect(chat.file("id", 1000)).rejects.toMatchObject(refused);
    await left;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, 60_000);
