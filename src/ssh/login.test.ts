import { PassThrough } from "node:stream";
import ssh2 from "ssh2";
import { expect, test, vi } from "vitest";
import { Secret } from "../base/secret.ts";
import { login } from "./login.ts";

test("#18 every login asks for signs of life so often that a dead link is noticed within 15 s", async () => {
  const connect = vi.spyOn(ssh2.Client.prototype, "connect").mockImplementation(function (this: ssh2.Client) {
    queueMicrotask(() => this.emit("ready"));
    return this;
  });
  try {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    const target = {
      ...{ name: "athena", address: "127.0.0.1", port: 22, user: "agent", pinnedIn: "this test" },
      hostKey: pair.public,
      privateKey: new Secret("key", pair.private),
    };
    await login(target, new PassThrough(), 1000, undefined);
    const { keepaliveInterval = 0, keepaliveCountMax = 0 } = connect.mock.calls[0]![0];
    expect(keepaliveInterval).toBeGreaterThan(0);
    // It gives up when the next one is due after so many without an answer.
    expect(keepaliveInterval * (keepaliveCountMax + 1)).toBeLessThanOrEqual(15_000);
  } finally {
    connect.mockRestore();
  }
});
