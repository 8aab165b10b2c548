import { type ExitCode, exitCodes, OlympusError } from "../../base/errors.ts";

interface Known {
  readonly pattern: RegExp;
  readonly code: `E-${string}`;
  readonly exit?: ExitCode;
  /** What is wrong, for a hypervisor or machine. */
  readonly says: (about: string) => string;
  readonly hint: (hypervisor: string) => string;
}

/** What libvirt, the provider and Pulumi say, in a person's words. The first that matches is taken. */
const known: readonly Known[] = [
  {
    pattern: /knownhosts: key mismatch|host key verification failed/i,
    code: "E-HOSTKEY",
    exit: exitCodes.hostKey,
    says: (about) => `${about} shows another host key than the pinned one`,
    hint: (name) => `npx olympus doctor ${name}`,
  },
  {
    pattern:
      /failed to dial libvirt|failed to connect to libvirt|i\/o timeout|no route to host|connection refused|connection reset/i,
    code: "E-LIBVIRT",
    exit: exitCodes.unreachable,
    says: (about) => `libvirt on ${about} cannot be reached`,
    hint: (name) => `npx olympus doctor ${name}`,
  },
  {
    pattern: /incorrect passphrase|passphrase must be set/i,
    code: "E-PASSPHRASE",
    exit: exitCodes.usage,
    says: (about) => `the state of ${about} was written with another passphrase`,
    hint: () =>
      "Take the secrets file that belongs to this state from your history: pulumi.passphrase in it is the one.",
  },
  {
    pattern: /no space left on device|not enough free space|disk quota exceeded/i,
    code: "E-DISK-FULL",
    says: (about) => `the storage of ${about} is full`,
    hint: (name) => `Make room in its pool: npx olympus doctor ${name}; npx olympus plan shows what is promised.`,
  },
  {
    pattern:
      /domaintype=kvm|support virt type 'kvm'|could not access KVM|failed to initialize kvm|KVM is not available/i,
    code: "E-ACCEL",
    says: (about) => `${about} has no working KVM`,
    hint: (name) => `npx olympus doctor ${name} tries it; write accel: tcg for ${name} in the team file to emulate.`,
  },
  {
    pattern: /cannot allocate memory|cannot set up guest memory/i,
    code: "E-MEMORY",
    says: (about) => `${about} has too little free memory to start it`,
    hint: () => "npx olympus plan shows what is promised; make a machine smaller, or move one.",
  },
  {
    pattern: /already exists|exists already/i,
    code: "E-EXISTS",
    says: (about) => `${about}: something of the same name is there already, and Olympus did not make it`,
    hint: (name) =>
      `Look at it, then remove or rename it: virsh -c qemu+ssh://…/system list --all on ${name}, or vol-list default`,
  },
];

/** Exit codes of what the program itself throws, which reaches us as text: `E-CODE: message`, then place and hint. */
function exitOf(code: string): ExitCode {
  if (/^E-HOSTKEY/.test(code)) return exitCodes.hostKey;
  if (/^E-(SSH|LIBVIRT)/.test(code)) return exitCodes.unreachable;
  if (/^E-(TEAM|SECRET|CAPACITY|PULUMI-ENV)/.test(code)) return exitCodes.usage;
  return exitCodes.failed;
}

export interface Fault {
  readonly hypervisor: string;
  readonly machine?: string | undefined;
  /** What Pulumi showed. */
  readonly text: string;
  /** Where all of it stands. */
  readonly log: string;
}

/** Pure: turns what Pulumi said into an error for a person, cause first; the raw text stays in the log that is named. */
export function explainFault({ hypervisor, machine, text, log }: Fault): OlympusError {
  const own = ownError(text);
  if (own !== undefined) {
    const hint = [own.hint, `log  ${log}`].filter((part) => part !== undefined).join("\n");
    return new OlympusError(own.message, {
      code: own.code,
      exit: exitOf(own.code),
      where: own.where ?? hypervisor,
      hint,
      cause: text,
    });
  }
  const about = machine === undefined ? hypervisor : `${machine} on ${hypervisor}`;
  for (const { pattern, code, exit, says, hint } of known) {
    if (!pattern.test(text)) continue;
    const host = code === "E-EXISTS" ? about : hypervisor;
    return new OlympusError(`${says(host)}${machine === undefined || exit !== undefined ? "" : ` (${machine})`}`, {
      code,
      ...(exit === undefined ? {} : { exit }),
      where: hypervisor,
      hint: `${hint(hypervisor)}\nlog  ${log}`,
      cause: text,
    });
  }
  return new OlympusError(`${about}: ${cause(text)}`, {
    code: "E-PULUMI",
    where: hypervisor,
    hint: `The same command again goes on from here.\nlog  ${log}`,
    cause: text,
  });
}

interface Own {
  readonly code: `E-${string}`;
  readonly message: string;
  readonly where?: string;
  readonly hint?: string;
}

/**
 * An error of Olympus that came through Pulumi as lines of text: `E-CODE: what` (src/toolchain/program-error.ts, hooks), then
 * `at <place>`, then what to do.
 */
function ownError(text: string): Own | undefined {
  const found = /(?:^|[\s:"])(E-[A-Z0-9-]+):? ([^\n]+)((?:\n[^\n]+)*)/.exec(text);
  if (found === null) return undefined;
  const rest = (found[3] ?? "").split("\n").filter((line) => line.trim() !== "");
  const where = rest
    .find((line) => line.startsWith("  at "))
    ?.trim()
    .slice("at ".length);
  const hint = rest
    .filter((line) => !line.startsWith("  at ") && !/^\s*\*\s*$/.test(line))
    .map((line) => line.replace(/^ {2}/, "").replace(/^do: /, ""))
    .join("\n");
  return {
    code: found[1] as `E-${string}`,
    message: found[2]!.trim(),
    ...(where === undefined ? {} : { where }),
    ...(hint === "" ? {} : { hint }),
  };
}

/** The line of Pulumi's text that names the cause: the innermost, without its frames and counters. */
function cause(text: string): string {
  const lines = text
    .split("\n")
    .map((line) =>
      line
        .replace(/^[\s*-]+/, "")
        .replace(/^(error|sdk-v2\/provider2\.go:\d+: sdk\.helper_schema): /, "")
        .trim(),
    )
    .filter((line) => line !== "" && !/^\d+ errors? occurred/.test(line));
  return (lines.at(0) ?? "Pulumi failed without saying why").replace(/: provider=\S+$/, "");
}
