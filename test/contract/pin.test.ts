import { generateKeyPairSync } from "node:crypto";
import { chmod, copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import ssh2 from "ssh2";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { projectRoot } from "../../src/base/paths.ts";
import { fingerprint } from "../../src/ssh/host-key.ts";
import { typeAt } from "../support/terminal.ts";

// A real SSH handshake over TCP, and the command as a person or a script starts it.

interface Host {
  readonly port: number;
  readonly fingerprint: string;
  readonly logins: () => number;
  close(): void;
}

async function sshHost(): Promise<Host> {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  let logins = 0;
  const server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
    client.on("authentication", () => {
      logins += 1;
    });
    client.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    fingerprint: fingerprint(key.getPublicSSH()),
    logins: () => logins,
    close: () => server.close(),
  };
}

let folder: string;
let team: string;
let host: Host;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "olympus-pin-"));
  team = join(folder, "team.yaml");
  host = await sshHost();
});
afterAll(async () => {
  host.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => writeTeam(host.port));

async function writeTeam(port: number): Promise<void> {
  await copyFile(join(projectRoot, "examples", "lab", "team.yaml"), team);
  const text = (await readFile(team, "utf8"))
    .replaceAll("10.220.1.", "127.0.0.")
    .replace("gateway: 127.0.0.1", "gateway: 127.0.0.254")
    .replace("address: 127.0.0.7,", `address: 127.0.0.1, port: ${port},`)
    .replace("hypervisors:\n", "hypervisors: # ours\n");
  await writeFile(team, text);
  await chmod(team, 0o640);
}

const pin = (...words: string[]) =>
  execa(join(projectRoot, "scripts", "olympus"), ["pin", "--team", team, ...words], { reject: false, stdin: "ignore" });

describe("olympus pin", () => {
  it("shows the fingerprint and takes nothing when nobody vouches for it", async () => {
    const before = await readFile(team, "utf8");
    for (const words of [["r420"], ["r420", "--yes"], ["r420", "--no-input"]]) {
      const result = await pin(...words);
      expect(result.exitCode).toBe(6);
      expect(result.stderr).toContain(host.fingerprint);
    }
    expect(await readFile(team, "utf8")).toBe(before);
    expect(host.logins()).toBe(0);
  });

  it("writes the key when the fingerprint is given, and changes nothing else", async () => {
    const before = await readFile(team, "utf8");
    const result = await pin("r420", "--fingerprint", host.fingerprint, "--json");
    expect(result.exitCode).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({
      v: 1,
      type: "pin",
      fingerprint: host.fingerprint,
      changed: true,
    });
    const after = await readFile(team, "utf8");
    expect(after.replace(/, hostKey: ssh-rsa [A-Za-z0-9+/=]+/, "")).toBe(before);
    expect((await stat(team)).mode & 0o777).toBe(0o640);

    const again = await pin("r420", "--json");
    expect(again.exitCode).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ changed: false });
    expect(await readFile(team, "utf8")).toBe(after);
  });

  it("asks on a terminal, and takes the fingerprint's end as typed", async () => {
    // `script` gives the command a terminal of its own.
    const typing = (answer: string) =>
      execa("script", ["-qec", `${join(projectRoot, "scripts", "olympus")} pin r420 --team ${team}`, "/dev/null"], {
        input: `${answer}\n`,
        reject: false,
      });
    const before = await readFile(team, "utf8");
    for (const answer of ["", "yes", host.fingerprint.slice(-15), "x".repeat(16)]) {
      expect(await typing(answer)).toMatchObject({ exitCode: 6 });
    }
    expect(await typing(`SHA256:${"A".repeat(43)}`)).toMatchObject({ exitCode: 5 });
    expect(await readFile(team, "utf8")).toBe(before);
    expect(await typing(host.fingerprint.slice(-16))).toMatchObject({ exitCode: 0 });
    expect(await readFile(team, "utf8")).toContain("hostKey: ssh-rsa ");
  });

  it("Ctrl-C and Ctrl-D at the question end it, with what is then said on a line of its own", async () => {
    const command = `${join(projectRoot, "scripts", "olympus")} pin r420 --team ${team}`;
    const keyed = (key: string) => typeAt(command, "characters: ", key);
    const before = await readFile(team, "utf8");
    const [interrupted, ended] = [await keyed("\x03"), await keyed("\x04")];
    expect(interrupted).toMatchObject({ exitCode: 130, stdout: expect.stringMatching(/\r\nwarning: interrupted/) });
    expect(ended).toMatchObject({ exitCode: 6, stdout: expect.stringMatching(/\r\nThe question was not answered/) });
    expect(await readFile(team, "utf8")).toBe(before);
  });

  it("refuses another key than the one given, and shows both", async () => {
    const before = await readFile(team, "utf8");
    const other = `SHA256:${"A".repeat(43)}`;
    const result = await pin("r420", other);
    expect(result.exitCode).toBe(5);
    expect(result.stderr).toContain(other);
    expect(result.stderr).toContain(host.fingerprint);
    expect(result.stderr).toContain("E-HOSTKEY");
    expect(await readFile(team, "utf8")).toBe(before);
  });

  it("names a host that is down, one that is no SSH server, and one that is not in the file", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => free.once("listening", resolve));
    const { port } = free.address() as AddressInfo;
    free.on("connection", (socket) => socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await writeTeam(port);
    const stranger = await pin("r420");
    expect(stranger.exitCode).toBe(4);
    expect(stranger.stderr).toContain("E-SSH-REFUSED");

    await new Promise((resolve) => free.close(resolve));
    const down = await pin("r420");
    expect(down.exitCode).toBe(4);
    expect(down.stderr).toContain(`r420: no SSH server to talk to on 127.0.0.1:${port}`);

    const unknown = await pin("r42");
    expect(unknown.exitCode).toBe(1);
    expect(unknown.stderr).toContain("Did you mean r420?");
  });
});
