import { describe, expect, test } from "vitest";
import { mustConfirmChosen, pacing } from "./role-options.ts";

describe("pacing: how many hosts at a time, and how many may fail", () => {
  test.each([
    [{}, 8, {}],
    [{ serial: true }, 8, { serial: 1, maxFail: 0 }],
    [{ serial: "3" }, 8, { serial: 3, maxFail: 0 }],
    [{ serial: "25%" }, 8, { serial: 2, maxFail: 0 }],
    [{ serial: "25%" }, 7, { serial: 1, maxFail: 0 }],
    [{ serial: "1%" }, 8, { serial: 1, maxFail: 0 }],
    [{ serial: "0%" }, 8, { serial: 1, maxFail: 0 }],
    [{ serial: "100%" }, 8, { serial: 8, maxFail: 0 }],
    [{ serial: "20" }, 8, { serial: 20, maxFail: 0 }],
    [{ maxFail: "0" }, 8, { maxFail: 0 }],
    [{ maxFail: "2" }, 8, { maxFail: 2 }],
    [{ maxFail: "25%" }, 8, { maxFail: 2 }],
    [{ maxFail: "25%" }, 3, { maxFail: 0 }],
    [{ serial: true, maxFail: "2" }, 8, { serial: 1, maxFail: 2 }],
  ] as const)("%o of %i hosts", (options, hosts, expected) => {
    expect(pacing(options, hosts)).toEqual(expected);
  });

  test.each([
    { serial: "0" },
    { serial: "-1" },
    { serial: "x" },
    { serial: "101%" },
    { serial: "1.5" },
    { serial: "" },
    { maxFail: "none" },
    { maxFail: "101%" },
    { maxFail: "-1" },
  ])("%o is refused", (options) => {
    expect(() => pacing(options, 8)).toThrow(expect.objectContaining({ code: "E-USAGE" }));
  });
});

test("--confirm of a host that was not chosen is told before anything else, not that nobody can be asked", () => {
  expect(() => mustConfirmChosen(["apollo"], ["athena"])).toThrow(
    expect.objectContaining({
      ...{ code: "E-CONFIRM", exit: 6 },
      message: "--confirm apollo agrees to nothing on athena; nothing was changed.",
    }),
  );
  expect(() => mustConfirmChosen([], ["athena"])).not.toThrow();
  expect(() => mustConfirmChosen(["athena"], ["athena", "apollo"])).not.toThrow();
  expect(() => mustConfirmChosen(["athena", "hermes"], ["athena"])).not.toThrow();
});
