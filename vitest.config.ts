import { defineConfig } from "vitest/config";

/** Vitest's own second is too short for a busy machine. */
const patient = { poll: { timeout: 60_000 } };

const onRoleLabs = ["test/e2e/{roles,roles-*,agent-role,secrets}.test.ts"];

// Three tiers: unit tests beside their sources, contract tests against real local services, end-to-end tests on lab machines and VMs.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          expect: patient,
          include: ["{src,stacks,vm-templates,cloud-init,roles,secrets,test/architecture}/**/*.test.ts"],
          // Bounds against hanging, not against a slow or busy machine.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Libraries are loaded once a worker, our own modules anew for each file (unit-setup.ts): half the time of a process each.
          pool: "threads",
          isolate: false,
          maxWorkers: 2,
          setupFiles: ["test/support/unit-setup.ts"],
        },
      },
      {
        test: {
          name: "contract",
          expect: patient,
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          // Suites that need what docs/reference/not-run.md names; they skip themselves unless asked for by id.
          name: "elsewhere",
          expect: patient,
          include: ["test/elsewhere/**/*.test.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          // What does not fit into CI's time: `scripts/test long`.
          name: "long",
          expect: patient,
          include: ["test/long/**/*.test.ts"],
          testTimeout: 7_200_000,
          hookTimeout: 1_800_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          expect: patient,
          include: ["test/e2e/**/*.test.ts"],
          exclude: onRoleLabs,
          testTimeout: 1_500_000,
          hookTimeout: 1_800_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          // Two beside one another, after the VMs: each has lab machines and a network of its own, and mostly waits for them.
          name: "e2e-roles",
          expect: patient,
          include: onRoleLabs,
          testTimeout: 1_500_000,
          hookTimeout: 1_800_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
