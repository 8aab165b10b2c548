import { nodeFolder, nodeRuntime } from "../../roles/node/runtime.ts";
import { quoteAll } from "../base/quote.ts";
import { agentKeyPath } from "../team/model-keys.ts";
import type { ModelChoice } from "../team/schema.ts";
import {
  applyToAgents,
  forgetOld,
  oldValueOf,
  onHost,
  type RotateContext,
  type Rotation,
  replaceValue,
  rotationError,
} from "./rotation.ts";

/** Where a provider lists its models, which costs nothing, and how it is shown a key. */
const lists: Readonly<Record<string, { base?: string; path: string; header: string; scheme?: string }>> = {
  anthropic: { base: "https://api.anthropic.com", path: "/v1", header: "x-api-key" },
  openai: { base: "https://api.openai.com", path: "/v1", header: "authorization", scheme: "Bearer " },
  google: { base: "https://generativelanguage.googleapis.com", path: "/v1beta", header: "x-goog-api-key" },
  "openai-compatible": { path: "/v1", header: "authorization", scheme: "Bearer " },
};

/** Asks with the key on stdin, and prints the status of the answer. Trusts what the machine trusts. */
const ask = `const [url, header, scheme] = process.argv.slice(1);
const key = require("fs").readFileSync(0, "utf8").trim();
const headers = { [header]: scheme + key, "anthropic-version": "2023-06-01" };
fetch(url, { headers, signal: AbortSignal.timeout(30000) }).then(
  ({ status }) => { console.log("answered " + status); process.exit(); },
  (error) => { console.log((error.cause ?? error).message); process.exit(1); },
);`;

/**
 * A key of a model provider, which only the provider can make: the new one is given, and the provider is asked whether it takes it.
 * `agents.athena.models.openai` is athena's own; `models.openai` that of all agents without one.
 */
export function modelKeyRotation(path: string, context: RotateContext, newValue: () => Promise<string>): Rotation {
  const { team, secrets, reporter } = context;
  const [, owner, name] = /^(?:agents\.([^.]+)\.)?models\.(.+)$/.exec(path)!;
  const uses = team.machines
    .filter(({ name: agent }) =>
      owner === undefined ? secrets.get(agentKeyPath(agent, name!)) === undefined : agent === owner,
    )
    .flatMap(({ name: agent, agent: work }) =>
      (work?.models ?? []).filter(({ key, provider }) => (key ?? provider) === name).map((model) => ({ agent, model })),
    );
  const agents = [...new Set(uses.map(({ agent }) => agent))];
  return {
    name: path,
    users: agents.length === 0 ? ["nobody now"] : agents,
    overlap: "both work until you take the old one away at the provider",
    begun: () => oldValueOf(secrets, path) !== undefined,
    begin: async () => replaceValue(secrets, path, await newValue()),
    // The role waits until each agent is there again, which reads its keys before it says so.
    deliver: () => applyToAgents(agents, context),
    async verify() {
      // Each address once, from the host of one that asks there: agents have the way out, this computer need not.
      const places = new Map(uses.toReversed().map(({ agent, model }) => [listUrl(model), { agent, model }]));
      for (const [url, { agent, model }] of places) if (url !== undefined) await tryKey(url, agent, model);
    },
    finish: () => forgetOld(secrets, path),
  };

  async function tryKey(url: string, agent: string, { provider }: ModelChoice): Promise<void> {
    const { header, scheme = "" } = lists[provider]!;
    const program = `${nodeFolder(nodeRuntime().version)}/bin/node`;
    const words = quoteAll([program, "-e", ask, url, header, scheme]);
    const script = `NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt exec ${words}`;
    const { printed } = await onHost(context, agent, script, secrets.require(path).reveal());
    const status = Number(/^answered (\d+)$/m.exec(printed)?.[1]);
    if (status >= 200 && status < 300) return;
    if (status === 404 || status === 405) {
      reporter.warn(`${url} lists no models: whether ${provider} takes the new key shows with the next question`);
      return;
    }
    if (Number.isNaN(status)) throw rotationError(`the new key could not be tried at ${url}: ${printed}`, agent);
    const refused = status < 500 && status !== 429;
    const hint = `npx olympus secrets set ${path} takes another one; then run the same command again: it goes on where it was.`;
    throw rotationError(`${url} answers HTTP ${status} to the new key`, agent, refused ? { hint } : {});
  }
}

/** Undefined for what asks for no key. A server's root and its versioned address are both understood, as the agent does. */
function listUrl({ provider, baseUrl }: ModelChoice): string | undefined {
  const list = lists[provider];
  const base = baseUrl ?? list?.base;
  if (list === undefined || base === undefined) return undefined;
  return `${/\/v\d+(beta)?$/.test(base) ? base : `${base}${list.path}`}/models`;
}
