import { createHash } from "node:crypto";
import { audit } from "../audit/audit.ts";
import { untilAnswered } from "../forge/patient.ts";
import type { ForgeIssue } from "../forge-port.ts";
import type { PostPayload } from "../intake.ts";
import { type Tool, textArgument } from "../tools/tool.ts";
import { marked, markOf, type Origin, originMark } from "./marks.ts";
import { type ForgeParts, repositoryOf } from "./parts.ts";

/** Issues that may come of one post. */
const mostIssues = 10;

interface Made extends Origin {
  /** Names this very wish: a repeated call finds what the first one made. */
  readonly wish: string;
}

/**
 * Given to conversations of agents with repositories: opens an issue that the team's developers take up. It carries where it began, so that
 * what comes of it is said in the same thread.
 */
export function createIssueTool(
  parts: ForgeParts,
  run: string,
  post: PostPayload,
  redact: (text: string) => string,
): Tool {
  const { forge, key, settings, config, store, clock } = parts;
  const names = settings.repositories.map(({ name }) => name);
  let made = 0;
  return {
    spec: {
      name: "create_issue",
      description: `Opens an issue on the team's forge, for work on a repository (${names.join(", ")}). A colleague takes it up, changes the code and proposes it; people are told in this thread. Only when somebody asks for it.`,
      parameters: {
        type: "object",
        properties: {
          repository: { type: "string", enum: names, description: "Left out where there is only one." },
          title: { type: "string", description: "One line." },
          body: { type: "string", description: "What is to be done and how one sees that it is done, in Markdown." },
          priority: { type: "string", enum: ["P0", "P1", "P2", "P3"], description: "P2 unless said otherwise." },
          assignee: {
            type: "string",
            enum: [config.agent, ...settings.agents.map(({ name }) => name)],
            description: "The agent who is to do it; anybody who is free when left out.",
          },
        },
        required: ["title", "body"],
        additionalProperties: false,
      },
    },
    resumable: true,
    async run(input, signal) {
      const title = textArgument(input, "title");
      const body = textArgument(input, "body");
      const wanted = textArgument(input, "repository") ?? (names.length === 1 ? names[0] : undefined);
      const repository = wanted === undefined ? undefined : repositoryOf(settings, wanted);
      if (title === undefined || body === undefined) return { text: 'error: "title" and "body" must be texts' };
      if (repository === undefined) return { text: `error: "repository" must be one of ${names.join(", ")}` };
      if (made >= mostIssues) return { text: `error: one request makes at most ${mostIssues} issues` };
      const repo = repository.name;
      const place = { repo, login: settings.login };
      const wish = createHash("sha256").update(`${run}\0${repo}\0${title}\0${body}`).digest("hex").slice(0, 32);
      const ask = <T>(question: () => Promise<T>) => untilAnswered(parts, signal, question);
      const find = (issues: readonly ForgeIssue[]): ForgeIssue | undefined =>
        issues.find((issue) => markOf<Made>(key, originMark, place, issue.body)?.wish === wish);
      // A former process, or a try whose answer was lost, may have made it.
      const before = find(await ask(() => forge.issuesBy(repo, settings.login)));
      const { id, chain = id, hops, channelId, rootId } = post;
      const origin: Made = { chain, hops: hops + 1, channelId, rootId, wish };
      const assignee = loginOf(parts, textArgument(input, "assignee"));
      const priority = /^P[0-3]$/.exec(textArgument(input, "priority") ?? "")?.[0];
      const issue =
        before ??
        (await ask(async () => {
          const again = find(await forge.issuesBy(repo, settings.login));
          return (
            again ??
            forge.createIssue(repo, {
              title: redact(title).replace(/\s+/g, " ").slice(0, 200),
              body: marked(
                `${redact(body)}\n\n---\n_Asked for in the team's chat, written by ${config.agent}._`,
                key,
                originMark,
                place,
                origin,
              ),
              labels: [repository.label, ...(priority === undefined ? [] : [priority])],
              assignees: assignee === undefined ? [] : [assignee],
            })
          );
        }));
      made++;
      const subject = `${repo}#${issue.number}`;
      store.transaction(() => {
        // Of a repeated call too, once.
        if (store.meta(`issue-made:${wish}`) !== undefined) return;
        store.setMeta(`issue-made:${wish}`, subject);
        const evidence = { wish, post: post.id };
        audit(store, { kind: "act", actor: "harness", what: "open an issue", subject, run, evidence }, clock.now());
        if (redact(title) !== title || redact(body) !== body)
          audit(store, { kind: "refusal", actor: "model", what: "say a secret", subject, run }, clock.now());
      });
      return {
        text: `opened ${repo}#${issue.number}: ${issue.url}\nSay so, with this link. ${assignee === undefined ? "Whoever is free takes it up." : ""}`,
      };
    },
  };
}

function loginOf({ settings, config }: ForgeParts, agent: string | undefined): string | undefined {
  return agent === config.agent ? settings.login : settings.agents.find(({ name }) => name === agent)?.login;
}
