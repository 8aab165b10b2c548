import { setTimeout as pause } from "node:timers/promises";
import { machineFile } from "../../cloud-init/user-data.ts";
import { messageOf, OlympusError } from "../base/errors.ts";
import { seedApplied } from "../converge/places.ts";
import { connectSsh } from "../ssh/connect.ts";
import type { SshConnection, SshTarget } from "../ssh/connection.ts";

export interface Expected {
  readonly generation: string;
  readonly seed: string;
}

export interface ProbeOptions {
  readonly target: SshTarget;
  readonly expected: Expected;
  /** Until SSH answers, and again until cloud-init is done. Ten minutes unless given: emulated, loaded machines are slow. */
  readonly boundMs?: number;
  readonly onProgress?: (what: string) => void;
  readonly signal?: AbortSignal;
}

/** What a machine says of itself over SSH. */
export interface Answer {
  readonly cloudInit: string;
  readonly machine: { readonly generation?: string; readonly seed?: string };
  /** Whether /srv/olympus is its data disk. */
  readonly data: boolean;
  /** Whether the file system on it is smaller than the disk: a growth that did not come to its end. */
  readonly behind: boolean;
}

/**
 * Waits until a machine is really there: SSH answers with the injected host key, cloud-init is done, root disk and seed
 * are the wanted ones, the data disk is mounted. Throws E-READY-NET, E-READY-LOGIN, E-READY-CLOUDINIT,
 * E-READY-GENERATION, E-READY-DATA, or E-HOSTKEY at once. The caller adds what the console showed.
 */
export async function probe(options: ProbeOptions): Promise<Answer> {
  const bound = options.boundMs ?? 600_000;
  const end = Date.now() + bound;
  for (;;) {
    const connection = await reach(options, end);
    try {
      options.onProgress?.("SSH answers, cloud-init is working");
      const answer = await ask(connection, bound, options.signal);
      judge(options.target.name, answer, options.expected);
      return answer;
    } catch (error) {
      options.signal?.throwIfAborted();
      // It restarts, or its hypervisor blinked; whether it comes back is for `reach` to find out.
      if (!(error instanceof OlympusError) || !passing.has(error.code) || Date.now() >= end) throw error;
    } finally {
      connection.close();
    }
  }
}

/** Errors of a machine that is still booting; anything else will not get better by waiting. */
const passing = new Set(["E-SSH-REFUSED", "E-SSH-TIMEOUT", "E-SSH-LOST"]);

async function reach({ target, signal, onProgress }: ProbeOptions, end: number): Promise<SshConnection> {
  for (;;) {
    try {
      return await connectSsh({ ...target, connectTimeoutMs: 15_000 }, signal);
    } catch (error) {
      if (signal?.aborted || !(error instanceof OlympusError)) throw error;
      // sshd may answer an instant before cloud-init has made the login.
      const early = error.code === "E-SSH-AUTH";
      if (!passing.has(error.code) && !early) throw error;
      if (Date.now() >= end) {
        throw new OlympusError(
          early ? `${target.name} refuses our key` : `${target.name} does not answer on SSH: ${messageOf(error)}`,
          {
            code: early ? "E-READY-LOGIN" : "E-READY-NET",
            where: target.name,
            hint: early
              ? `npx olympus console ${target.name} shows whether cloud-init ran; was the seed read?`
              : `npx olympus console ${target.name}; is the bridge of its hypervisor connected to the team's network?`,
            cause: error,
          },
        );
      }
      onProgress?.("booting");
      await pause(500, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/**
 * What a machine is asked, as a shell script. cloud-init waits for itself here; a machine without it says so. "disabled" means: this seed was
 * applied before. What it has written down is read from there, since its command loads all of its Python: seconds under emulation.
 */
export const question = [
  `if [ -e ${seedApplied} ]; then echo disabled; else`,
  "r=/run/cloud-init/result.json; [ -s $r ] || cloud-init status --wait >/dev/null 2>&1",
  "if [ -s $r ]; then case $(tr -d '[:space:]' <$r) in *'\"errors\":[]'*) echo done ;; *) echo error ;; esac",
  "else echo \"$(cloud-init status 2>&1 | sed -n 's/^status: //p')\"; fi; fi",
  `cat ${machineFile} 2>/dev/null; echo`,
  "echo ---",
  // Asked of the disk itself: udev's word of it, which findmnt repeats, is late, or lost, when the file system was made a moment ago.
  'disk=$(findmnt -no SOURCE /srv/olympus) && sudo -n blkid -p -s LABEL -o value "$disk" || echo none',
  // How large the disk is, in sectors, and the file system on it, in blocks.
  '[ -z "$disk" ] || cat "/sys/class/block/$(basename "$disk")/size" 2>/dev/null',
  '[ -z "$disk" ] || sudo -n dumpe2fs -h "$disk" 2>/dev/null | sed -n "s/^Block \\(count\\|size\\): *//p"',
].join("\n");

async function ask(connection: SshConnection, timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
  const { stdout } = await connection.exec(question, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
  return parseAnswer(stdout);
}

/** Pure. A machine file that is missing or cut short, by a power cut after the first boot, counts as one that says nothing. */
export function parseAnswer(stdout: string): Answer {
  const [head = "", disk = ""] = stdout.split("\n---\n");
  const [cloudInit = "", ...machine] = head.split("\n");
  const [label = "", sectors, blocks, blockSize] = disk.split("\n");
  return {
    cloudInit: cloudInit.trim(),
    machine: parseMachine(machine.join("\n")),
    data: label.trim() === "olympus-data",
    behind: Number(sectors) * 512 - Number(blocks) * Number(blockSize) >= smallestRest,
  };
}

/** ext4 leaves the end of a disk alone that is too small for another group of blocks; that is never more than this. */
const smallestRest = 16 * 1024 * 1024;

function parseMachine(text: string): Answer["machine"] {
  try {
    return JSON.parse(text) as Answer["machine"];
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** Pure: whether cloud-init ended well. After a restart it says "disabled": a seed is applied once. */
export function cloudInitEnded(status: string): boolean {
  return status === "done" || status === "disabled";
}

/** Pure: whether the answer is the wanted one. */
export function judge(name: string, answer: Answer, expected: Expected): void {
  const { cloudInit, machine, data } = answer;
  if (!cloudInitEnded(cloudInit)) {
    throw new OlympusError(`cloud-init on ${name} ended as "${cloudInit || "not installed"}"`, {
      code: "E-READY-CLOUDINIT",
      where: name,
      hint: `npx olympus ssh ${name} -- sudo cat /var/log/cloud-init-output.log`,
    });
  }
  if (machine.generation !== expected.generation || machine.seed !== expected.seed) {
    const what = (part: { generation?: string; seed?: string }): string =>
      `generation ${part.generation ?? "none"}, seed ${part.seed ?? "none"}`;
    throw new OlympusError(
      `${name} answers, but is not the machine that was made: ${what(machine)}; wanted ${what(expected)}`,
      {
        code: "E-READY-GENERATION",
        where: name,
        hint: `Is another machine using its address? Otherwise: npx olympus rebuild ${name} (data is kept)`,
      },
    );
  }
  if (!data) {
    throw new OlympusError(`${name} runs without its data disk at /srv/olympus`, {
      code: "E-READY-DATA",
      where: name,
      hint: `npx olympus ssh ${name} -- lsblk -f`,
    });
  }
}
