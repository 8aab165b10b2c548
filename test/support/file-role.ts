import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Operation } from "../../src/converge/operations.ts";
import { defineRole } from "../../src/converge/types.ts";

/** The role `probe`, whose operations stand as JSON in `operations.json` in its folder: a test's command line reads it anew each time. */
export const fileRole = (folder: string) =>
  defineRole({
    name: "probe",
    summary: "for a test",
    requires: [],
    params: z.strictObject({}),
    inputs: () => undefined,
    setup: () => JSON.parse(readFileSync(join(folder, "operations.json"), "utf8")) as Operation[],
  });
