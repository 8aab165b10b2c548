import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OlympusError } from "../../src/base/errors.ts";
import { Secret } from "../../src/base/secret.ts";
import { connectSsh } from "../../src/ssh/connect.ts";
import type { SshTarget } from "../../src/ssh/connection.ts";
import { freePort } from "../support/processes.ts";

// A real sshd on 127.0.0.1, with its own configuration, host key and authorised key.
const folder = mkdtempSync(join(tmpdir(), "olympus-ssh-"));
let target: SshTarget;
let stop: () => Promise<void>;

const key = (name: string): { private: string; public: string } => {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", join(folder, name)]);
  return {
    private: readFileSync(join(folder, name), "utf8"),
    public: readFileSync(join(folder, `${name}.pub`), "utf8").trim(),
  };
};

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => resolve(true)).once("error", () => resolve(false));
    socket.once("data", () => socket.destroy());
  });
}

const failure = (work: Promise<unknown>): Promise<OlympusError> =>
  work.then(
    () => Promise.reject(new Error("should have failed")),
    (error: unknown) => {
      if (error instanceof OlympusError) return error;
      throw error;
    },
  );

beforeAll(async () => {
  const host = key("host");
  const mine = key("mine");
  const port = await freePort();
  writeFileSync(join(folder, "authorized"), `${mine.public}\n`, { mode: 0o600 });
  writeFileSync(
    join(folder, "config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${join(folder, "host")}`,
      `AuthorizedKeysFile ${join(folder, "authorized")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "PermitRootLogin yes",
      "MaxSessions 10",
      "MaxAuthTries 1",
      "",
    ].join("\n"),
  );
  execFileSync("mkdir", ["-p", "/run/sshd"]);
  const server = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(folder, "config")], { stdio: "ignore" });
  const ended = new Promise<void>((done) => server.once("exit", () => done()));
  stop = async () => {
    server.kill();
    await ended;
  };
  for (let tries = 0; !(await answers(port)); tries += 1) {
    if (tries > 2000) throw new Error("sshd did not start");
    await new Promise((done) => setTimeout(done, 50));
  }
  target = {
    name: "athena",
    address: "127.0.0.1",
    port,
    user: userInfo().username,
    hostKey: host.public,
    pinnedIn: "team.yaml:31",
    privateKey: new Secret("ssh.deploy.private", mine.private),
  };
});

afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

describe("a connection", () => {
  test("runs commands, with exit codes, both outputs, input and signals", async () => {
    const ssh = await connectSsh(target);
    try {
      expect(await ssh.exec("echo out; echo err >&2; exit 3")).toEqual({ code: 3, stdout: "out\n", stderr: "err\n" });
      const big = "x".repeat(3_000_000);
      expect((await ssh.exec("wc -c", { stdin: big })).stdout.trim()).toBe("3000000");
      expect((await ssh.exec("kill -TERM $$")).code).toBe(143);
      expect((await ssh.exec("exit 5", { stdin: big })).code).toBe(5);
    } finally {
      ssh.close();
    }
  });

  test("#20 queues beyond eight commands instead of being refused", async () => {
    const ssh = await connectSsh(target);
    try {
      const all = await Promise.all(Array.from({ length: 30 }, (_, at) => ssh.exec(`sleep 0.05; echo ${at}`)));
      expect(all.map((one) => one.stdout.trim())).toEqual(Array.from({ length: 30 }, (_, at) => String(at)));
    } finally {
      ssh.close();
    }
  });

  test("ends a command after its time, or by a signal, and stays usable", async () => {
    const ssh = await connectSsh(target);
    try {
      const late = await failure(ssh.exec("sleep 30", { timeoutMs: 100 }));
      expect(late).toMatchObject({ code: "E-SSH-TIMEOUT", exit: 4 });
      const stopper = new AbortController();
      const stopped = ssh.exec("sleep 30", { signal: stopper.signal });
      stopper.abort(new Error("enough"));
      await expect(stopped).rejects.toThrow("enough");
      expect(await failure(ssh.exec("cat /dev/zero"))).toMatchObject({ code: "E-SSH-OUTPUT", exit: 2 });
      let read = 0;
      const { code, stdout } = await ssh.exec("head -c 40M /dev/zero", { onStdout: ({ length }) => (read += length) });
      expect([code, read, stdout.length < read]).toEqual([0, 40 * 2 ** 20, true]);
      expect((await ssh.exec("echo still here")).stdout).toBe("still here\n");
    } finally {
      ssh.close();
    }
  });
});

describe("a connection that cannot be", () => {
  test("#3 another host key than pinned: exit 5, both fingerprints, where it is pinned", async () => {
    const other = key("other");
    const error = await failure(connectSsh({ ...target, hostKey: other.public }));
    expect(error).toMatchObject({ code: "E-HOSTKEY", exit: 5, where: "team.yaml:31" });
    for (const name of ["host", "other"]) {
      const print = execFileSync("ssh-keygen", ["-lf", join(folder, `${name}.pub`)], { encoding: "utf8" }).split(
        " ",
      )[1]!;
      expect(error.message).toContain(print);
    }
  });

  test("#3 a server without a key of the pinned type", async () => {
    execFileSync("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", join(folder, "ecdsa")]);
    const hostKey = readFileSync(join(folder, "ecdsa.pub"), "utf8");
    expect(await failure(connectSsh({ ...target, hostKey }))).toMatchObject({ code: "E-HOSTKEY", exit: 5 });
  });

  test("#5 a key that is not authorised", async () => {
    const stranger = key("stranger");
    const error = await failure(
      connectSsh({ ...target, privateKey: new Secret("ssh.deploy.private", stranger.private) }),
    );
    expect(error, error.message).toMatchObject({ code: "E-SSH-AUTH", exit: 4 });
  });

  test("a private key that is none", async () => {
    const error = await failure(
      connectSsh({ ...target, privateKey: new Secret("ssh.deploy.private", "no key at all") }),
    );
    expect(error).toMatchObject({ code: "E-SSH-AUTH", where: "ssh.deploy.private" });
    expect(error.message).not.toContain("no key at all");
  });

  test("#2 a closed port, at once", async () => {
    const start = performance.now();
    const error = await failure(connectSsh({ ...target, port: await freePort() }));
    expect(error).toMatchObject({ code: "E-SSH-REFUSED", exit: 4 });
    expect(error.message).toContain("not listening");
    // Not after the ten seconds that a silent one is given.
    expect(performance.now() - start).toBeLessThan(8000);
  });

  test("#7 closed before its greeting", async () => {
    const rude = await listen((socket) => socket.end());
    try {
      const error = await failure(connectSsh({ ...target, port: rude.port }));
      expect(error).toMatchObject({ code: "E-SSH-REFUSED", exit: 4 });
      expect(error.message).toContain("before the login");
    } finally {
      await rude.close();
    }
  });

  test("#1 a server that says nothing, within the time given", async () => {
    const silent = await listen(() => undefined);
    try {
      const error = await failure(connectSsh({ ...target, port: silent.port, connectTimeoutMs: 300 }));
      expect(error).toMatchObject({ code: "E-SSH-TIMEOUT", exit: 4 });
    } finally {
      await silent.close();
    }
  });

  test("#6 an agent with many keys is not asked: the one key is offered, where one failure is all that is allowed", async () => {
    const before = process.env.SSH_AUTH_SOCK;
    const asked: Socket[] = [];
    const agent = createServer((socket) => void asked.push(socket)).listen(join(folder, "agent"));
    process.env.SSH_AUTH_SOCK = join(folder, "agent");
    try {
      const ssh = await connectSsh(target);
      expect((await ssh.exec("echo in")).stdout).toBe("in\n");
      ssh.close();
      expect(asked).toEqual([]);
    } finally {
      if (before === undefined) delete process.env.SSH_AUTH_SOCK;
      else process.env.SSH_AUTH_SOCK = before;
      await new Promise((done) => agent.close(done));
    }
  });

  test("#18 a link that goes dead without a word is noticed by keepalives", async () => {
    const held: Socket[] = [];
    const proxy = await listen((socket) => {
      const upstream = connect(target.port, "127.0.0.1");
      socket.pipe(upstream).pipe(socket);
      held.push(socket, upstream);
      for (const end of [socket, upstream]) end.on("error", () => undefined);
    });
    try {
      const ssh = await connectSsh({ ...target, port: proxy.port });
      await ssh.exec("true");
      const begun = performance.now();
      const running = failure(ssh.exec("sleep 300"));
      for (const end of held) end.unpipe().pause();
      expect(await running).toMatchObject({ code: "E-SSH-LOST", exit: 4 });
      // Three keepalives of 3.5 s go unanswered: 14 s, and time for a busy computer.
      expect(performance.now() - begun).toBeLessThan(100_000);
      ssh.close();
    } finally {
      for (const end of held) end.destroy();
      await proxy.close();
    }
  });

  test("interrupted by its signal", async () => {
    const silent = await listen(() => undefined);
    const stopper = new AbortController();
    try {
      const connecting = connectSsh({ ...target, port: silent.port }, stopper.signal);
      stopper.abort(new Error("Ctrl-C"));
      await expect(connecting).rejects.toThrow("Ctrl-C");
    } finally {
      await silent.close();
    }
  });

  test("cut while a command runs: E-SSH-LOST for it and for all later ones", async () => {
    let link: Socket | undefined;
    const proxy = await listen((socket) => {
      link = socket;
      const upstream = connect(target.port, "127.0.0.1");
      socket.pipe(upstream).pipe(socket);
      socket.on("error", () => upstream.destroy());
      socket.on("close", () => upstream.destroy());
      upstream.on("error", () => socket.destroy());
    });
    try {
      const ssh = await connectSsh({ ...target, port: proxy.port });
      const running = failure(ssh.exec("sleep 30"));
      await ssh.exec("true");
      link!.resetAndDestroy();
      expect(await running).toMatchObject({ code: "E-SSH-LOST", exit: 4 });
      expect(await failure(ssh.exec("true"))).toMatchObject({ code: "E-SSH-LOST", exit: 4 });
      ssh.close();
    } finally {
      await proxy.close();
    }
  });
});

async function listen(greet: (socket: Socket) => void): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    greet(socket);
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
