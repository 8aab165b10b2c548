import { expect, test } from "vitest";
import { type Forge, ForgeError } from "../forge-port.ts";
import { silentLog } from "../log.ts";
import { patientForge, untilAnswered } from "./patient.ts";

const never = new AbortController().signal;

/** A clock that does not wait, but notes for how long it was to. */
function noting() {
  const waits: number[] = [];
  const clock = { now: () => 0, scaled: (ms: number) => ms, wait: async (ms: number) => void waits.push(ms) };
  return { waits, parts: { clock, log: silentLog } };
}

/** A forge that answers with these errors first, and says what it took. */
function failing(...errors: ForgeError[]) {
  const said: string[] = [];
  const forge = {
    comment: async (_: string, __: number, body: string) => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      said.push(body);
      return { id: 1 };
    },
    issue: async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return { number: 1 };
    },
  } as unknown as Forge;
  return { said, forge };
}

const limited = new ForgeError("retry", "slow down", { status: 429, retryAfterMs: 60_000 });
const lost = new ForgeError("retry", "the connection was lost");

test("C12 asked to wait 60 s, it waits so long and comments once", async () => {
  for (const patient of [true, false]) {
    const { waits, parts } = noting();
    const { said, forge } = failing(limited, limited);
    if (patient) await patientForge(forge, parts, never).comment("o/r", 1, "once");
    else await untilAnswered(parts, never, () => forge.comment("o/r", 1, "once"));
    expect(said).toEqual(["once"]);
    expect(waits).toHaveLength(2);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(60_000);
  }
});

test("an act whose answer was lost is not done again by itself, a question is asked again", async () => {
  const { waits, parts } = noting();
  const act = failing(lost);
  await expect(patientForge(act.forge, parts, never).comment("o/r", 1, "x")).rejects.toBe(lost);
  expect([waits, act.said]).toEqual([[], []]);
  const unauthorised = new ForgeError("unauthorised", "not now");
  const question = patientForge(failing(lost, unauthorised).forge, parts, never);
  expect(await question.issue("o/r", 1)).toEqual({ number: 1 });
  expect(waits).toHaveLength(2);
});

test("what is refused is thrown at once, and nothing is asked any more once it is over", async () => {
  const { waits, parts } = noting();
  const refused = new ForgeError("refused", "no");
  await expect(untilAnswered(parts, never, () => Promise.reject(refused))).rejects.toBe(refused);
  const over = AbortSignal.abort(new Error("stopped"));
  await expect(patientForge(failing().forge, parts, over).comment("o/r", 1, "x")).rejects.toThrow("stopped");
  expect(waits).toEqual([]);
});
