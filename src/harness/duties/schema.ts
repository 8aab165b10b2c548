import * as z from "zod";

/** What an agent that plans does beside its conversations: a part of its configuration. */
export const orchestrationSchema = z.strictObject({
  /** One agent of a team has them. Left out: it only splits and hands out. */
  rounds: z
    .strictObject({
      /** Work without progress for so long is asked after, once in so long. */
      staleHours: z.number().positive().default(24),
      /** When the day is summed up, at the agent's place. */
      summary: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "not a time such as 17:30")
        .default("17:30"),
      /** `team/channel`, where it is posted. */
      channel: z.string().regex(/^[^/]+\/[^/]+$/),
    })
    .optional(),
});

export type Rounds = NonNullable<z.output<typeof orchestrationSchema>["rounds"]>;
