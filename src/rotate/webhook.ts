import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { generateToken } from "../../secrets/generate.ts";
import { quoteAll } from "../base/quote.ts";
import { forgeApi, forgeLogin, peopleOnForge, webhookPort, webhookSecret } from "../team/forge.ts";
import type { Host } from "../team/hosts.ts";
import {
  applyToAgents,
  endedValueOf,
  endOld,
  forgetEnded,
  oldValueOf,
  onHost,
  type RotateContext,
  type Rotation,
  replaceValue,
  rotationError,
} from "./rotation.ts";

/** How long an agent that was restarted a moment ago, or a delivery, is waited for. */
const patienceMs = 30_000;

interface Request {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * What signs the webhooks of the team's own forge. Agents take signatures by both before the forge signs with the new one, and by the old one
 * until the forge was seen to sign with the new one. What was sent while one of them restarts is found by looking, as ever.
 */
export function webhookRotation(forge: Host, context: RotateContext): Rotation {
  const { team, secrets, apply, signal } = context;
  // OpenClaw listens to no forge.
  const agents = team.machines.filter(
    (machine) => machine.agent?.runtime === "harness" && forgeLogin(team, machine) !== undefined,
  );
  const names = agents.map(({ name }) => name);
  const value = (): string => secrets.require(webhookSecret).reveal();
  return {
    name: webhookSecret,
    users: [...names, "the team's own forge"],
    overlap: "signatures by both are taken until the forge was seen to sign with the new one; agents restart twice",
    begun: () => (oldValueOf(secrets, webhookSecret) ?? endedValueOf(secrets, webhookSecret)) !== undefined,
    begin: () => replaceValue(secrets, webhookSecret, generateToken()),
    async deliver() {
      // Who listens comes first: whatever the forge signs by is known wherever it arrives.
      await applyToAgents(names, context);
      await apply("forge", [forge.name]);
    },
    async verify() {
      for (const { name, address } of agents) {
        await expectAnswer(name, address, value(), 202);
        await seeSigned(name, address);
      }
    },
    async finish() {
      const old = await endOld(secrets, webhookSecret);
      await applyToAgents(names, context);
      for (const { name, address } of agents) {
        await expectAnswer(name, address, value(), 202);
        await expectAnswer(name, address, old, 401);
      }
      await forgetEnded(secrets, webhookSecret);
    },
  };

  /** How an agent answers a delivery that is signed by `key` and tells of nothing. Throws E-ROTATE for another answer. */
  async function expectAnswer(name: string, address: string, key: string, wanted: 202 | 401): Promise<void> {
    const body = JSON.stringify({ olympus: randomBytes(8).toString("hex") });
    const headers = { "content-type": "application/json", "x-hub-signature-256": sign(key, body) };
    const delivery = { method: "POST", url: `http://${address}:${webhookPort}/`, headers, body } as const;
    const { status } = await until(
      () => ask(delivery),
      ({ status }) => status !== 0,
    );
    if (status === wanted) return;
    const said = status === 0 ? "does not answer" : `answers HTTP ${status} to`;
    throw rotationError(`${name} ${said} a webhook signed with the ${wanted === 202 ? "new" : "old"} value`, name);
  }

  /**
   * Lets the forge send a ping to an agent, and sees that it was signed with the new value and taken. Only somebody who administers a
   * repository may: where the team names nobody who does, the forge's role has seen that it runs with what it was given.
   */
  async function seeSigned(name: string, address: string): Promise<void> {
    const admin = peopleOnForge(team).find(({ person }) => team.team.people[person]!.admin);
    const token = admin && secrets.get(`people.${admin.person}.github`);
    const [repository] = Object.keys(team.team.repositories);
    if (token === undefined || repository === undefined) return;
    const hooks = `${forgeApi(team)}/repos/${repository}/hooks`;
    const headers = { authorization: `Bearer ${token.reveal()}`, accept: "application/vnd.github+json" };
    const call = async <T>(method: Request["method"], url: string): Promise<T> => {
      const { status, body } = await ask({ method, url, headers });
      if (status < 200 || status > 299) throw rotationError(`the forge answers HTTP ${status}: ${body}`, url);
      return (body === "" ? undefined : JSON.parse(body)) as T;
    };
    const all = await call<{ id: number; config: { url: string } }[]>("GET", hooks);
    const hook = all.find(({ config }) => config.url === `http://${address}:${webhookPort}/`);
    if (hook === undefined) throw rotationError(`the forge has no webhook for ${name}`, hooks);
    const deliveries = `${hooks}/${hook.id}/deliveries`;
    const pings = async () => {
      const sent = await call<{ id: number; event: string; status_code: number }[]>("GET", deliveries);
      return sent.filter(({ event }) => event === "ping");
    };
    const before = (await pings())[0]?.id ?? 0;
    await call("POST", `${hooks}/${hook.id}/pings`);
    const [ping] = await until(pings, ([latest]) => (latest?.id ?? 0) > before);
    if (ping === undefined || ping.id <= before) throw rotationError("the forge sends no ping", deliveries);
    const { request } = await call<{ request: { headers: Record<string, string>; payload: object } }>(
      "GET",
      `${deliveries}/${ping.id}`,
    );
    if (request.headers["x-hub-signature-256"] !== sign(value(), JSON.stringify(request.payload)))
      throw rotationError("the forge does not sign with the new value", deliveries);
    if (ping.status_code !== 202)
      throw rotationError(`${name} answers HTTP ${ping.status_code} to the forge's webhook`, deliveries);
  }

  /** Asks from the forge's machine, which reaches the agents, whoever else may. Status 0 where nobody answers. */
  async function ask({ method, url, headers = {}, body = "" }: Request): Promise<{ status: number; body: string }> {
    const { hostname, port, host, pathname } = new URL(url);
    const lines = Object.entries({ host, ...headers, "content-length": String(Buffer.byteLength(body)) });
    // In version 1.0 an answer ends with its connection and comes in one piece.
    const text = `${method} ${pathname} HTTP/1.0\r\n${lines.map(([name, is]) => `${name}: ${is}\r\n`).join("")}\r\n${body}`;
    const talk = 'exec 3<>"/dev/tcp/$0/$1" && cat >&3 && cat <&3';
    const words = quoteAll(["timeout", "20", "bash", "-c", talk, hostname, port || "80"]);
    const { printed } = await onHost(context, forge.name, words, text);
    const [head = "", ...answer] = printed.split(/\r?\n\r?\n/);
    return { status: Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0), body: answer.join("\n\n") };
  }

  /** Asks again until `done` says so, or it took too long; gives the last answer. */
  async function until<T>(work: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
    const end = performance.now() + patienceMs;
    for (;;) {
      const answer = await work();
      if (done(answer) || performance.now() > end) return answer;
      await pause(200, undefined, { signal });
    }
  }
}

const sign = (key: string, body: string): string => `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;
