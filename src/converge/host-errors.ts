import { exitCodes, messageOf, OlympusError } from "../base/errors.ts";
import { preflights } from "./apply-script.ts";
import type { HostPlan } from "./plan.ts";
import { noSpace } from "./room.ts";
import type { RunOutcome } from "./watch.ts";

/** Somebody else works on the host; `seconds` since when. */
export function lockedError(host: string, who: string, what: string, seconds: number): OlympusError {
  return new OlympusError(`${host} is locked by ${who} for ${seconds} s: ${what}.`, {
    code: "E-LOCKED",
    exit: exitCodes.locked,
    where: host,
    hint: "Run the same command again when that has ended.",
  });
}

/** A step failed, or what is looked at before the first one. Only what a setup had begun can be rolled back. */
export function applyError(
  host: string,
  outcome: Extract<RunOutcome, { end: "failed" | "died" | "reverted" }>,
  setsUp: boolean,
): OlympusError {
  if (outcome.end === "reverted") return revertedError(host);
  if (outcome.end === "failed") {
    if (outcome.step === preflights.names) return namesError(host, outcome.output);
    if (outcome.step === preflights.clock) return clockError(host, outcome.output);
  }
  const how = endOf(outcome);
  const full = noSpace.test(how);
  return new OlympusError(`${host}: ${how}`, {
    code: full ? "E-ROLE-SPACE" : "E-ROLE-APPLY",
    exit: exitCodes.failed,
    where: host,
    hint: `What was done before stays and is in the journal. Run the same command again to go on${setsUp ? `; to go back to before this run: npx olympus role rollback --host ${host}` : "."}`,
  });
}

/** How and where a run ended, with what it said last. */
export function endOf(outcome: Extract<RunOutcome, { end: "failed" | "died" | "reverted" }>): string {
  if (outcome.end === "reverted") return notConfirmed;
  const at = `at: ${outcome.step || "the start"}`;
  if (outcome.end === "failed") return `failed ${at}${outcome.output && `\n${lastLines(outcome.output, 20)}`}`;
  if (outcome.seconds !== undefined) return `took longer than ${duration(outcome.seconds)}, and was ended ${at}`;
  return `was killed, or the machine restarted, ${at}`;
}

const notConfirmed =
  "no new connection came through within 30 s after the change of who can get in; the host took it back.";

const duration = (seconds: number): string => (seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds} s`);

/** After a change of who can get in nobody could, so the host undid it by itself. */
function revertedError(host: string): OlympusError {
  return new OlympusError(`${host}: ${notConfirmed}`, {
    code: "E-ROLE-ACCESS",
    exit: exitCodes.failed,
    where: host,
    hint: "Access is as it was. Look at what the role lets in (network.admin, keys, port), then run the same command again.",
  });
}

/** Undoing succeeded, and new connections do not come through. */
export function lockedOutError(host: string, cause: unknown): OlympusError {
  return new OlympusError(`${host}: undone, but a new connection does not come through: ${messageOf(cause)}`, {
    code: "E-ROLE-ACCESS",
    exit: exitCodes.failed,
    where: host,
    hint: `What stood there before Olympus may not let this computer in: npx olympus console ${host}`,
    cause,
  });
}

export function notIdempotentError(host: string, left: HostPlan): OlympusError {
  return new OlympusError(
    `${host} is not as wished although every step succeeded:\n${left.steps.map(({ role, change }) => `  ${role}: ${change.summary}`).join("\n")}`,
    {
      code: "E-ROLE-NOT-IDEMPOTENT",
      exit: exitCodes.failed,
      where: host,
      hint: "Something on the host changes it back, or the role's check does not see what its apply makes.",
    },
  );
}

function namesError(host: string, said: string): OlympusError {
  return new OlympusError(`${host}: ${said}`, {
    code: "E-ROLE-DNS",
    exit: exitCodes.failed,
    where: host,
    hint: `Nothing was changed. Does its resolver answer? npx olympus ssh ${host} -- resolvectl status`,
  });
}

function clockError(host: string, said: string): OlympusError {
  return new OlympusError(`${host}: ${said}`, {
    code: "E-ROLE-CLOCK",
    exit: exitCodes.failed,
    where: host,
    hint: "Nothing was changed. Set the clock of the machine that carries it, or have it keep time itself: timedatectl set-ntp true",
  });
}

function lastLines(text: string, count: number): string {
  return text.split("\n").slice(-count).join("\n");
}
