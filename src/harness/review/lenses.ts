/** What a review looks for, by the lens that it wears. An unknown lens is told its name. */
const looks: Readonly<Record<string, string>> = {
  infrastructure:
    "how it is built, deployed and run: configuration, pipelines, resources, failure and recovery, cost, what happens on a restart or a half-done deployment",
  ux: "people who use it: words, states without data or with an error, keyboard and screen readers, surprises, consistency with what is there",
  security:
    "what an attacker could do: input that is trusted, injection, secrets, rights that are too wide, checks that can be passed by, dependencies that are new",
  performance:
    "time and memory: work that grows with the data, requests in loops, what blocks, what is done again and again",
  testing:
    "whether tests would fail if the change were wrong: cases that are missing, tests that wait for time or depend on order",
  documentation: "whether what is written about it still holds, and whether a newcomer could use it",
  product: "whether it does what the issue asks for, no less and no more, and what it means for those who asked",
};

export const looksFor = (lens: string): string => looks[lens] ?? `everything that belongs to ${lens}`;

/** The context of the commit's status, in which a lens says whether it has passed. */
export const statusOf = (lens: string): string => `olympus/${lens}`;

export function lensOf(context: string): string | undefined {
  return /^olympus\/([a-z][a-z0-9-]{0,30})$/.exec(context)?.[1];
}
