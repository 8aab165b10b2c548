import { z } from "zod";
import { clockField } from "./fields.ts";

export const orchestrationSchema = z
  .strictObject({
    staleHours: z
      .number()
      .positive("Write more than 0.")
      .default(24)
      .describe(
        "Work on which nothing moved for so long is asked after, once in so long; what nobody has is given to somebody.",
      ),
    summary: clockField.default("17:30").describe("When the day is summed up, by `defaults.timezone`."),
    channel: z
      .string()
      .regex(/^[a-z][a-z0-9-]*\/[a-z0-9-]+$/, "Write team/channel, such as olympus/operations.")
      .optional()
      .describe("Where it is summed up; `policy.operations` unless given."),
  })
  .prefault({})
  .describe("What the first agent with the duty orchestration and an account on the forge does for the whole team.");
