import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { promisify } from "node:util";
import { messageOf } from "../../base/errors.ts";
import { maskSecrets, type Secret } from "../../base/secret.ts";
import type { Policy } from "../policy/schema.ts";
import { type Tool, textArgument } from "../tools/tool.ts";
import { visible } from "../visible.ts";
import type { AskParts, Wish } from "./ask-people.ts";

type Read = Policy["sensitive"][number];

/** Bytes that a run gets of one read, and seconds that a command may take. */
const most = 64 * 1024;
const seconds = 120;

/** A tool for the reads that the policy declares for this agent: each is done once somebody who may said yes, for this run, once. None without any. */
export function sensitiveTools(
  parts: AskParts & { readonly secrets?: readonly Secret[] },
  run: string,
  post: Wish["post"],
): Tool[] {
  const { policy } = parts.config;
  if (policy === undefined || policy.sensitive.length === 0) return [];
  const list = policy.sensitive.map(({ name, about }) => `${name} (${about})`).join("; ");
  return [
    {
      spec: {
        name: "read_sensitive",
        description: `Asks the team's people for data that only they may release, waits for their answer, and gives it: ${list}. Only when the task needs it.`,
        parameters: {
          type: "object",
          properties: {
            name: { type: "string", enum: policy.sensitive.map(({ name }) => name) },
            why: { type: "string", description: "What it is needed for: one sentence, for the person who decides." },
          },
          required: ["name", "why"],
          additionalProperties: false,
        },
      },
      async run(input, signal) {
        const read = policy.sensitive.find(({ name }) => name === textArgument(input, "name"));
        const why = textArgument(input, "why");
        if (read === undefined || why === undefined) return { text: 'error: "name" and "why" must be given' };
        const began = parts.clock.now();
        const { askPeople } = await import("./ask-people.ts");
        const said = visible(why).replace(/[\s`]+/g, " ");
        const wish = {
          policy,
          run,
          post,
          action: `read ${read.name}`,
          kinds: ["sensitive" as const],
          approvers: read.approvers,
          question: `may I read \`${read.name}\` (${read.about})? What for, in the model's words: \`${said.slice(0, 300)}\``,
        };
        const refused = await askPeople(parts, wish, signal);
        const waited = parts.clock.now() - began;
        if (refused !== undefined) return { text: `error: not read: ${refused}`, waited };
        const text = await contentOf(read, signal).catch((error: unknown) => {
          signal.throwIfAborted();
          return `error: ${messageOf(error)}`;
        });
        return { text: maskSecrets(text, parts.secrets ?? []), waited, sensitive: true };
      },
    },
  ];
}

async function contentOf({ file, command }: Read, signal: AbortSignal): Promise<string> {
  const bytes = file === undefined ? await printed(command ?? [], signal) : await beginning(file);
  const text = bytes.toString("utf8");
  return bytes.length < most ? text : `${text}\n[cut: these are the first ${most} bytes]`;
}

async function beginning(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What a declared command prints; run by the harness, without a shell and without anything from a model. */
async function printed([program = "", ...args]: readonly string[], signal: AbortSignal): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(program, args, {
    signal,
    timeout: seconds * 1000,
    maxBuffer: 64 * 1024 * 1024,
    encoding: "buffer",
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8" },
  });
  return stdout.subarray(0, most);
}
