import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { execa } from "execa";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { OlympusError } from "../../src/base/errors.ts";
import type { SshConnection, SshTarget } from "../../src/ssh/connection.ts";
import type { Effect } from "./killed.ts";

/** Hosts that are folders: their scripts really run, in a shell whose `sudo` and `getent` know one login. */
export interface FakeHosts {
  /** The login's list of keys. */
  keys(host: string): string;
  setKeys(host: string, text: string): void;
  /** Logs in with a key that is on the list; refuses any other as sshd does. */
  connect(effect?: Effect): (target: SshTarget) => Promise<SshConnection>;
  /** Hosts that do not answer. */
  readonly down: Set<string>;
  /** Hosts where sudo wants a password, by name; its words are German. */
  readonly passwords: Map<string, string>;
}

/** Takes `-n`, or `-k -S -p ''` with a first line on stdin; `read` of a shell takes no byte more. */
const sudo = `#!/bin/sh
if [ "$1" = -n ]; then
  shift
  if [ -n "$FAKE_PASSWORD" ]; then
    if [ "$LC_ALL" = C ]; then echo "sudo: a password is required"; else echo "sudo: Ein Passwort ist notwendig"; fi >&2
    exit 1
  fi
else
  shift 4
  read -r line
  if [ "$line" != "$FAKE_PASSWORD" ]; then echo "sudo: 1 incorrect password attempt" >&2; exit 1; fi
fi
exec "$@"
`;

export function fakeHosts(folder: string): FakeHosts {
  const home = (host: string): string => join(folder, host);
  const list = (host: string): string => join(home(host), ".ssh/authorized_keys");
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "sudo"), sudo, { mode: 0o755 });
  writeFileSync(join(bin, "getent"), '#!/bin/sh\necho "$2:x:1000:1000::$FAKE_HOME:/bin/sh"\n', { mode: 0o755 });
  const down = new Set<string>();
  const passwords = new Map<string, string>();
  const keys = (host: string): string => readFileSync(list(host), "utf8");
  return {
    down,
    passwords,
    keys,
    setKeys(host, text) {
      mkdirSync(join(home(host), ".ssh"), { recursive: true });
      writeFileSync(list(host), text, { mode: 0o600 });
    },
    connect:
      (effect = (work) => work()) =>
      async (target) => {
        const problem = (code: `E-${string}`, message: string) =>
          new OlympusError(message, { code, exit: 4, where: target.name });
        if (down.has(target.name)) throw problem("E-SSH-REFUSED", "nothing listens there");
        for (const door of target.via === undefined ? [target] : [target.via, target]) {
          const half = publicHalf(door.privateKey.reveal());
          if (!keys(door.name).includes(half)) throw problem("E-SSH-AUTH", `${door.name} refused the key`);
        }
        return {
          target,
          close: () => undefined,
          exec: (command, { stdin } = {}) =>
            effect(async () => {
              const { exitCode, stdout, stderr } = await execa("sh", ["-c", command], {
                input: stdin instanceof Readable ? stdin : String(stdin),
                env: {
                  PATH: `${bin}:${process.env.PATH}`,
                  FAKE_HOME: home(target.name),
                  FAKE_PASSWORD: passwords.get(target.name),
                  SUDO_USER: "agent",
                  LC_ALL: "de_DE.UTF-8",
                },
                reject: false,
              });
              return { code: exitCode ?? 255, stdout, stderr };
            }),
        };
      },
  };
}

/** The base64 of a private key's public half, which stands in the file in the open. */
export function publicHalf(privateKey: string): string {
  const blob = Buffer.from(privateKey.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
  // After the magic word, three fields and the number of keys: a length, then the public half.
  const at = "openssh-key-v1\0".length + (4 + "none".length) * 2 + 4 + 4;
  return blob.subarray(at + 4, at + 4 + blob.readUInt32BE(at)).toString("base64");
}

/** A person's key as a line of a list. */
export const someonesKey = (): string => generateSshKeyPair("mara@desk").public;
