import type { Command } from "commander";
import { exitCodes, OlympusError } from "../base/errors.ts";
import type { HostChoice } from "./role-hosts.ts";
import { usageError, wholeNumber } from "./usage.ts";

export const actions = ["check", "setup", "reset", "rollback"] as const;
export type Action = (typeof actions)[number];

export interface RoleOptions extends HostChoice {
  /** `true` without a value. */
  readonly serial?: string | true;
  readonly maxFail?: string;
  readonly lockWait?: number;
  readonly only?: string;
  readonly skip?: string;
  readonly waitForBoot?: true;
  readonly bootTimeout?: number;
  readonly purge?: string;
  readonly confirm?: readonly string[];
  readonly metrics?: string;
}

export const words = (text: string | undefined): string[] => (text ?? "").split(",").filter((word) => word !== "");

/** Declares the options of an action; those that would mean nothing for it are left out. */
export function declareOptions(sub: Command, action: Action): void {
  sub
    .option("--host <names>", "hosts by name, 'glob*', or agents, services, hypervisors; several with commas")
    .option("--all", "every host of the team")
    .option(
      "--limit <names>",
      "of those chosen, or by itself: names and globs, on:<hypervisor>, @failed (last time); !name leaves one out",
    );
  if (action === "check" || action === "setup") {
    sub
      .option("--only <ids>", "these operations alone: id or role/id, with globs")
      .option("--skip <ids>", "all but these operations");
  }
  sub
    .option("--wait-for-boot", "wait for hosts that do not answer yet, ten minutes unless --boot-timeout is given")
    .option("--boot-timeout <seconds>", "so long, also for a host that restarts in the middle", wholeNumber);
  if (action === "check") {
    sub.option("--metrics <file>", "also write figures of drift there, for Prometheus's textfile collector");
    return;
  }
  sub
    .option("--serial [number]", "so many hosts at a time, or 25%; one unless given; stops when one fails")
    .option("--max-fail <number>", "begin no further host when more than so many, or 25%, have failed")
    .option("--lock-wait <seconds>", "wait for somebody else's run on a host; else exit 75 at once", wholeNumber);
  if (action === "reset") {
    sub
      .option("--purge <kinds>", "delete these kinds of data too (role list names them), after a backup on the host")
      .option("--confirm <host>", "in place of typing its name; --yes does not agree to losing data", collect);
  }
}

function collect(name: string, before: readonly string[] = []): string[] {
  return [...before, name];
}

/** Throws E-CONFIRM where `--confirm` names another host than those that were chosen, `hosts`, and one of these is not agreed to. */
export function mustConfirmChosen(given: readonly string[], hosts: readonly string[]): void {
  const others = given.filter((name) => !hosts.includes(name));
  const open = hosts.filter((name) => !given.includes(name));
  if (others.length === 0 || open.length === 0) return;
  throw new OlympusError(
    `--confirm ${others.join(", ")} agrees to nothing on ${open.join(", ")}; nothing was changed.`,
    {
      code: "E-CONFIRM",
      exit: exitCodes.confirmation,
      hint: "--host chooses the hosts; --confirm wants the name of each that loses data.",
    },
  );
}

/** How many hosts at a time, and how many may fail. Throws E-USAGE for what is no number. */
export function pacing(options: RoleOptions, hosts: number): { serial?: number; maxFail?: number } {
  const serial =
    options.serial === undefined ? undefined : options.serial === true ? 1 : share("--serial", options.serial, hosts);
  if (serial === 0) throw usageError("--serial needs one host at least", "--serial, --serial 2, --serial 25%");
  const maxFail = options.maxFail === undefined ? undefined : share("--max-fail", options.maxFail, hosts);
  return {
    ...(serial === undefined ? {} : { serial, maxFail: 0 }),
    ...(maxFail === undefined ? {} : { maxFail }),
  };
}

/** `3`, or `25%` of all, rounded down but for one where there is something to take. */
function share(option: string, text: string, hosts: number): number {
  const [, number, percent] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  if (number === undefined || (percent === "%" && Number(number) > 100)) {
    throw usageError(`${option} ${text} is neither a number nor a share`, `${option} 2, ${option} 25%`);
  }
  if (percent !== "%") return Number(number);
  const part = Math.floor((Number(number) * hosts) / 100);
  return option === "--serial" ? Math.max(1, part) : part;
}
