import { beforeEach, expect, it, vi } from "vitest";
import { OlympusError } from "../base/errors.ts";
import { silentReporter } from "../base/report.ts";
import type { LoadedTeam } from "../team/model.ts";
import { growDataDisks } from "./grow.ts";
import { previewStacks } from "./preview.ts";
import { runStack, type StackOutcome } from "./stack.ts";
import { awaitStanding } from "./standing.ts";
import { bringUp, type UpOptions } from "./up.ts";

// Pulumi and hosts are played: which of them is asked for what, and what comes of their answers.
vi.mock("../images/index.ts", () => ({ ensureImage: async () => undefined }));
vi.mock("./stack.ts", async (real) => ({ ...(await real<object>()), runStack: vi.fn() }));
vi.mock("./standing.ts");
vi.mock("./grow.ts");

const machines = ["athena", "poseidon"].map((name) => ({ name, hypervisor: "r420", image: "debian-12", data: 5120 }));
const team = { name: "lab", hypervisors: [{ name: "r420" }], machines } as unknown as LoadedTeam;
const options = { team, reporter: silentReporter() } as unknown as UpOptions;
const same: StackOutcome = {
  hypervisor: "r420",
  changes: [],
  growing: [],
  steps: [],
  changed: 0,
  failed: [],
  error: undefined,
};
const growing = [{ machine: team.machines[0]!, from: 4096 }];
const grown = { machine: "athena", kind: "update", detail: "data 4 -> 5 GB" } as const;
const asked = (): string[] => vi.mocked(runStack).mock.calls.map(([{ action }]) => action);

beforeEach(() => {
  vi.clearAllMocks();
  vi.mocked(runStack).mockResolvedValue(same);
  vi.mocked(awaitStanding).mockResolvedValue({ wrong: [], behind: [] });
  vi.mocked(growDataDisks).mockResolvedValue({ changes: [], failures: [] });
});

it("a preview counts data disks that would grow", async () => {
  vi.mocked(runStack).mockResolvedValue({ ...same, growing });
  expect(await previewStacks(options)).toMatchObject([{ changed: 1, changes: [grown] }]);
  expect(growDataDisks).not.toHaveBeenCalled();
});

it("a preview that failed says nothing of them", async () => {
  const error = new OlympusError("no answer", { code: "E-SSH-TIMEOUT" });
  vi.mocked(runStack).mockResolvedValue({ ...same, growing, error });
  expect(await previewStacks(options)).toMatchObject([{ changed: 0, changes: [], error }]);
});

it("an up grows the disks of machines that stand, and ends a growth that was cut off", async () => {
  const error = new OlympusError("no answer", { code: "E-READY-NET" });
  const both = [...growing, { machine: team.machines[1]!, from: 4096 }];
  vi.mocked(runStack).mockResolvedValue({ ...same, growing: both });
  vi.mocked(awaitStanding).mockResolvedValue({ wrong: [{ machine: "poseidon", error }], behind: ["athena"] });
  vi.mocked(growDataDisks).mockResolvedValue({ changes: [grown], failures: [] });
  expect(await bringUp(options)).toMatchObject({ changed: 1, errors: [error], failed: ["poseidon"] });
  expect(growDataDisks).toHaveBeenCalledWith(expect.anything(), growing, ["athena"]);
});

it("a machine whose disk would not grow is told of", async () => {
  const error = new OlympusError("resize2fs", { code: "E-DATA-GROW" });
  vi.mocked(growDataDisks).mockResolvedValue({ changes: [], failures: [{ machine: "athena", error }] });
  expect(await bringUp(options)).toMatchObject({ changed: 0, errors: [error], failed: ["athena"] });
});

it("nothing is done to a hypervisor where another machine than those named would be stopped, nor counts one of these as up", async () => {
  const changes = [{ machine: "poseidon", kind: "restart", detail: "" } as const];
  vi.mocked(runStack).mockResolvedValue({ ...same, changes, changed: 3 });
  const result = await bringUp({ ...options, only: ["athena"] });
  expect(result).toMatchObject({ changed: 0, errors: [{ code: "E-OTHERS" }], failed: ["athena"] });
  expect(asked()).toEqual(["preview"]);
});
