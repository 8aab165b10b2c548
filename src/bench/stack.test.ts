import { expect, test, vi } from "vitest";
import { silentReporter } from "../base/report.ts";
import { bench } from "./stack.ts";

const ran: string[] = [];
let changes = false;

vi.mock("execa", () => ({
  execa: async (file: string, args: string[]) => {
    if (file !== "pulumi") return;
    ran.push(args.join(" "));
    if (changes && args.includes("--expect-no-changes")) throw new Error("no changes were expected");
  },
}));
vi.mock("./three-machines.ts", () => ({
  withThreeMachines: (_options: unknown, work: (bench: object) => unknown) => work({ env: {}, stack: "r420" }),
}));

const measured = () => bench.run({ reporter: silentReporter(), signal: new AbortController().signal } as never);

test("the preview that is timed has nothing to change, which is tried first and not timed", async () => {
  const { preview_noop_s: figure } = await measured();
  expect(figure).toMatchObject({ unit: "s" });
  expect(ran[0]).toBe("preview -s r420 --expect-no-changes");
  expect(new Set(ran.slice(1))).toEqual(new Set(["preview -s r420"]));
});

test("where it would change something there is no figure", async () => {
  changes = true;
  await expect(measured()).rejects.toThrow("no changes were expected");
});
