import { Readable } from "node:stream";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { Secret } from "../base/secret.ts";
import type { ExecOptions, ExecResult, SshConnection } from "../ssh/connection.ts";

export interface ShellOptions extends ExecOptions {
  /** Ended by the host itself after so many seconds, with all its children and exit code 124. */
  readonly seconds?: number;
}

/** Runs `/bin/sh` as root on a host, with these words after it. */
export interface RootShell {
  /** Throws E-ROLE-SUDO when sudo wants a password and there is none, or it is wrong. A stream for stdin cannot be the first thing run. */
  run(words: string, options?: ShellOptions): Promise<ExecResult>;
}

/** sudo speaks the login's language unless told; what it says is understood here in one. */
const sudo = "env LC_ALL=C sudo";

/**
 * sudo without a password where that is allowed: the first command doubles as the look whether it is. Else it is run again with the
 * password on stdin, where sudo takes the first line and leaves the rest to the command.
 */
export function createRootShell(ssh: SshConnection, password: Secret | undefined): RootShell {
  const { name, user } = ssh.target;
  let locked = true;

  async function unlock(): Promise<void> {
    if (password === undefined) throw sudoError(name, user, "may not become root without a password");
    // With nothing behind it: sudo asks again after a wrong one, and would take the next lines for further tries.
    const { code } = await ssh.exec(`${sudo} -k -S -p '' true`, { stdin: `${password.reveal()}\n` });
    if (code !== 0) throw sudoError(name, user, `cannot become root with the password in ${password.name}`);
    locked = false;
  }

  return {
    async run(words, options = {}) {
      const { seconds } = options;
      const sh = seconds === undefined ? "/bin/sh" : `timeout -k 5 ${seconds} /bin/sh`;
      if (user === "root") return ssh.exec(`${sh} ${words}`, options);
      if (locked) {
        // "-n": without it sudo would wait for a password that cannot be typed here.
        const answer = await ssh.exec(`${sudo} -n ${sh} ${words}`, options);
        if (answer.code === 0 || !wantsPassword(answer.stderr)) return answer;
        await unlock();
      }
      return ssh.exec(`${sudo} -k -S -p '' ${sh} ${words}`, { ...options, stdin: behind(password!, options.stdin) });
    },
  };
}

function behind(password: Secret, stdin: ExecOptions["stdin"]): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(`${password.reveal()}\n`);
      if (stdin instanceof Readable) yield* stdin;
      else if (stdin !== undefined) yield Buffer.from(stdin as string);
    })(),
  );
}

/** Whether sudo's complaint is about rights, not about what it was to run. */
function wantsPassword(stderr: string): boolean {
  return /password is required|a terminal is required|not in the sudoers|not allowed to/.test(stderr);
}

function sudoError(host: string, user: string, what: string): OlympusError {
  return new OlympusError(`${host}: ${user} ${what}.`, {
    code: "E-ROLE-SUDO",
    exit: exitCodes.failed,
    where: host,
    hint: `Nothing was changed. Give the password: npx olympus secrets set sudo.${host}. Or do without, on ${host}, as root: echo '${user} ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/${user}`,
  });
}
