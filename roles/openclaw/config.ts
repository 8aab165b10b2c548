import { Secret } from "../../src/base/secret.ts";
import type { RenderedAgent } from "../agent/config.ts";
import { places } from "./places.ts";

/** JSON as the team file and openclaw.json have it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = Readonly<Record<string, Json>>;

/** How OpenClaw speaks to a provider, and where that is unless the team file says. */
const providers = {
  anthropic: { api: "anthropic-messages", baseUrl: "https://api.anthropic.com", version: "" },
  openai: { api: "openai-responses", baseUrl: "https://api.openai.com/v1", version: "/v1" },
  google: {
    api: "google-generative-ai",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    version: "/v1beta",
  },
  "openai-compatible": { api: "openai-completions", baseUrl: undefined, version: "/v1" },
  rehearsal: { api: "openai-completions", baseUrl: undefined, version: "/v1" },
} as const;

/** A secret of the unit's one credential, by its name in it. */
const secretRef = (name: string): JsonObject => ({ source: "file", provider: "olympus", id: `/${name}` });

/** What a team may have otherwise: an answer goes into the thread of the question, as the harness's does. */
const usual: JsonObject = { channels: { mattermost: { replyToMode: "all" } } };

/**
 * openclaw.json for an agent: what the harness would be told, in OpenClaw's words. `settings` are the team's own and are laid under
 * it, so that they add to it and cannot open the gateway, or the chat to others. `version` is in it so that a new one looks at it anew.
 */
export function openclawConfig({ config, secrets }: RenderedAgent, version: string, settings: JsonObject): JsonObject {
  const people = (config.chat.people ?? []).filter(({ command }) => command === true).map(({ id }) => id);
  const models = config.models.map((model, index) => ({ ...model, id: `olympus-${index}` }));
  const names = models.map(({ id, model }) => `${id}/${model}`);
  return merge(merge(usual, settings), {
    meta: { lastTouchedVersion: version },
    gateway: {
      mode: "local",
      bind: "loopback",
      port: places.port,
      auth: { mode: "token", token: secretRef("dashboard-token") },
    },
    secrets: { providers: { olympus: { source: "file", path: places.credential, mode: "json" } } },
    plugins: { entries: { mattermost: { enabled: true } } },
    channels: {
      mattermost: {
        enabled: true,
        baseUrl: config.chat.url,
        botToken: secretRef("mattermost-token"),
        network: { dangerouslyAllowPrivateNetwork: true },
        chatmode: "oncall",
        dmPolicy: "allowlist",
        allowFrom: people,
        groupPolicy: "allowlist",
        groupAllowFrom: people,
      },
    },
    models: {
      mode: "merge",
      providers: Object.fromEntries(
        models.map(({ id, provider, model, baseUrl, keyFile, window }) => {
          const { api, baseUrl: usual, version: path } = providers[provider];
          return [
            id,
            {
              api,
              baseUrl: baseUrl === undefined ? (usual ?? "") : withPath(baseUrl, path),
              // It asks for a key also where the server does not.
              apiKey: keyFile !== undefined && keyFile in secrets ? secretRef(keyFile) : "none",
              models: [{ id: model, name: model, ...(window === undefined ? {} : { contextWindow: window }) }],
            },
          ];
        }),
      ),
    },
    agents: {
      defaults: {
        workspace: places.workspace,
        skipBootstrap: true,
        // Nothing is asked of a model unless somebody asks the agent.
        heartbeat: { every: "0m" },
        model: { primary: names[0] ?? "", fallbacks: names.slice(1) },
      },
    },
  });
}

/** All secrets in one file of JSON, as OpenClaw's file provider reads it. It knows one token of its dashboard, in plain. */
export function openclawSecrets({ secrets }: RenderedAgent, dashboard: Secret): Secret {
  const plain = Object.entries({ ...secrets, "dashboard-token": dashboard }).map(([name, one]) => [name, one.reveal()]);
  return new Secret("openclaw", JSON.stringify(Object.fromEntries(plain)));
}

/** The root of a server or its versioned address: both are understood. */
function withPath(base: string, path: string): string {
  const root = base.replace(/\/+$/, "");
  return path === "" || root.endsWith(path) ? root : root + path;
}

/** `over` laid over `under`: objects are merged, everything else is replaced. */
function merge(under: JsonObject, over: JsonObject): JsonObject {
  const both = Object.entries(over).map(([name, value]): [string, Json] => {
    const below = under[name];
    return [name, isObject(below) && isObject(value) ? merge(below, value) : value];
  });
  return { ...under, ...Object.fromEntries(both) };
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
