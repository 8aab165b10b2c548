import { z } from "zod";
import { clockField, cronField, timezoneField } from "./fields.ts";

/** Working rules, one sentence each. */
export const rulesTextField = z.array(z.string().min(1, "Say what to do.").max(300, "Keep each under 300 characters."));

export const quietHoursSchema = z.strictObject({
  from: clockField.describe("When they begin."),
  to: clockField.describe("When they end; the next morning where that is earlier."),
  days: z
    .array(z.enum(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]))
    .default([])
    .describe("Days that are quiet as a whole."),
});

export const scheduleSchema = z.strictObject({
  at: cronField.describe('Minute, hour, day, month, weekday: `"0 9 * * 1-5"`.'),
  timezone: timezoneField.optional().describe("`defaults.timezone` unless given."),
  channel: z
    .string()
    .regex(/^[a-z][a-z0-9-]*\/[a-z0-9-]+$/, "Write team/channel, such as olympus/dev.")
    .describe("Where the outcome is posted: `olympus/dev`. The agent must be in that team."),
  task: z
    .string()
    .min(1, "Say what is to be done.")
    .max(2000, "Keep it under 2000 characters.")
    .describe("What it is asked to do, as a person would ask it."),
  quiet: z.boolean().default(true).describe("Waits for the end of the quiet hours; `false` comes at any hour."),
});
