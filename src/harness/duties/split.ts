import { untilAnswered } from "../forge/patient.ts";
import type { PostPayload } from "../intake.ts";
import { commentOnce } from "../tasks/comment-once.ts";
import { type ForgeParts, repositoryOf } from "../tasks/parts.ts";
import { type Tool, textArgument } from "../tools/tool.ts";
import { choose, handsFor, openWork, withOneMore } from "./open-work.ts";
import { mostParts, type Part, readPlan } from "./plan.ts";

const planMark = "plan";

/**
 * Given to conversations of agents that plan: splits a request into issues that name one another, and gives each to a colleague, by what
 * everybody has to do and what suits whom. `create` opens one issue: the tool that conversations have beside this one. `redact` takes out what
 * must not leave.
 */
export function splitTool(parts: ForgeParts, create: Tool, post: PostPayload, redact: (text: string) => string): Tool {
  const { settings } = parts;
  const names = settings.repositories.map(({ name }) => name);
  return {
    spec: {
      name: "split_request",
      description: `Splits a request that is too large for one issue into two to ${mostParts}, each of which one colleague can do and have merged by itself, and hands them out. Not for what fits into one issue. Only when somebody asks for it.`,
      parameters: {
        type: "object",
        properties: {
          repository: { type: "string", enum: names, description: "Left out where there is only one." },
          request: { type: "string", description: "What was asked for as a whole, in one line." },
          parts: {
            type: "array",
            description: "In the order in which they are best done.",
            items: {
              type: "object",
              properties: {
                title: { type: "string", description: "One line." },
                body: {
                  type: "string",
                  description: "What is to be done and how one sees that it is done, in Markdown.",
                },
                priority: { type: "string", enum: ["P0", "P1", "P2", "P3"], description: "P2 unless said otherwise." },
                lens: { type: "string", description: "What it is about most, such as security or ux, where it is." },
              },
              required: ["title", "body"],
            },
          },
        },
        required: ["request", "parts"],
      },
    },
    resumable: true,
    async run(input, signal) {
      const wanted = textArgument(input, "repository") ?? (names.length === 1 ? names[0] : undefined);
      const repo = wanted === undefined ? undefined : repositoryOf(settings, wanted)?.name;
      if (repo === undefined) return { text: `error: "repository" must be one of ${names.join(", ")}` };
      // Before it is cut: what is left of a secret is not found any more.
      const request = redact(textArgument(input, "request") ?? post.text)
        .replace(/\s+/g, " ")
        .slice(0, 200);
      const plan = readPlan(input);
      if (plan === undefined) {
        // A model that cannot split it: better one issue than none, and than ten of nonsense.
        const { text } = await create.run({ repository: repo, title: request, body: post.text }, signal);
        return {
          text: `That was no plan of two to ${mostParts} parts with title and body, so it is one issue: ${text}`,
        };
      }
      return { text: await open(parts, create, redact, repo, request, plan, signal) };
    },
  };
}

async function open(
  parts: ForgeParts,
  create: Tool,
  redact: (text: string) => string,
  repo: string,
  request: string,
  plan: readonly Part[],
  signal: AbortSignal,
): Promise<string> {
  const work = await untilAnswered(parts, signal, () => openWork(parts, repo));
  let hands = handsFor(parts, repo, work);
  const said: string[] = [];
  const numbers: number[] = [];
  for (const [index, { title, body, priority, lens }] of plan.entries()) {
    const hand = choose(hands, lens);
    const place = `Part ${index + 1} of ${plan.length} of: ${request}.`;
    const whole = numbers[0] === undefined ? "The others are named below." : `All of them are named at #${numbers[0]}.`;
    const wish = { repository: repo, title, body: `${body}\n\n${place} ${whole}`, priority, assignee: hand?.name };
    const { text } = await create.run(wish, signal);
    const number = /^opened \S+#(\d+): /.exec(text)?.[1];
    if (number === undefined) return [...said, text].join("\n");
    numbers.push(Number(number));
    said.push(`${text.split("\n")[0]!}${hand === undefined ? "" : `, for ${hand.name}`}`);
    if (hand !== undefined) hands = withOneMore(hands, hand);
  }
  const titles = plan.map(({ title }) => redact(title).replace(/\s+/g, " "));
  await nameAll(parts, repo, numbers, titles, signal);
  return `${said.join("\n")}\nSay so, with these links.`;
}

/** The first issue names all others, once. */
async function nameAll(
  parts: ForgeParts,
  repo: string,
  [first, ...others]: readonly number[],
  titles: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const list = others.map((number, index) => `- [ ] #${number} ${titles[index + 1]}`).join("\n");
  const at = { repo, number: first!, kind: planMark, id: others.join() };
  await commentOnce(parts, at, `The other parts:\n${list}`, signal);
}
