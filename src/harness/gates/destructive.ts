import { createHash } from "node:crypto";
import { fenced } from "../fenced.ts";
import { markedIn } from "../policy/marked.ts";
import { visible } from "../visible.ts";
import type { AskParts, Wish } from "./ask-people.ts";

/** Looks at a script before it is run. `refused`: it is not to be, and why; `waited`: how long people took, ms. Undefined: nothing is said about it. */
export type Guard = (
  script: string,
  signal: AbortSignal,
) => Promise<{ readonly refused?: string; readonly waited: number } | undefined>;

/** Of what people are asked to approve, they see all. Characters. */
const most = 2000;

/** Holds scripts with commands that the policy marks until a person said yes to that very script; undefined where none are marked. */
export function guardOf(parts: AskParts, run: string, post: Wish["post"]): Guard | undefined {
  const { policy } = parts.config;
  if (policy === undefined || policy.destructive.commands.length === 0) return undefined;
  const { commands, approvers } = policy.destructive;
  return async (script, signal) => {
    // As bash reads it, and as people do: neither may hide a command from the other.
    const command = markedIn(script, commands) ?? markedIn(visible(script), commands);
    if (command === undefined) return undefined;
    if (script.length > most || visible(script) !== script) {
      const why =
        script.length > most ? `scripts with it may have ${most} characters` : "it holds what people would not see";
      return { refused: `"${command}" needs a person's approval, and ${why}`, waited: 0 };
    }
    const began = parts.clock.now();
    const { askPeople } = await import("./ask-people.ts");
    const wish = {
      policy,
      run,
      post,
      action: `run ${createHash("sha256").update(script).digest("hex").slice(0, 16)}`,
      kinds: ["destructive" as const],
      approvers,
      question: `may I run this? \`${command}\` is marked as destructive.\n${fenced(script, "bash")}`,
    };
    const refused = await askPeople(parts, wish, signal);
    const waited = parts.clock.now() - began;
    return refused === undefined ? { waited } : { refused: `a person's approval was needed, and ${refused}`, waited };
  };
}
