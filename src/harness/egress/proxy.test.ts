import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { silentLog } from "../log.ts";
import { serveProxy } from "./proxy.ts";

test("what a command is refused again and again, or in ever new names, is noted in bounded measure", async () => {
  const noted: string[] = [];
  const end = new AbortController();
  const server = createServer();
  const refused = (_run: string, target: string) => noted.push(target);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  serveProxy({ server, run: "r", rules: [], log: silentLog, refused, signal: end.signal });
  const { port } = server.address() as AddressInfo;
  const connect = async (path: string): Promise<number> => {
    const asked = request({ host: "127.0.0.1", port, method: "CONNECT", path }).end();
    const [answer, socket] = (await once(asked, "connect")) as [{ statusCode: number }, { destroy(): void }];
    socket.destroy();
    return answer.statusCode;
  };
  for (let n = 0; n < 3; n++) expect(await connect("again.example:443")).toBe(403);
  await connect(`${"long".repeat(500)}.example:443`);
  for (let n = 0; n < 80; n++) await connect(`host-${n}.example:443`);
  end.abort();
  expect(noted).toHaveLength(51);
  expect(noted.slice(0, 3)).toEqual(["again.example:443", "long".repeat(75), "host-0.example:443"]);
  expect(noted.at(-1)).toBe("further targets");
});
