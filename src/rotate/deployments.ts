import { randomBytes } from "node:crypto";
import { hostToCall, keyFile } from "../../roles/agent/deploys.ts";
import { secretsFolder } from "../../roles/agent/unit.ts";
import { callersOf, doorsOf } from "../../roles/deploy/keys.ts";
import { rotationPrefix } from "../../secrets/check.ts";
import { generateSshKeyPair } from "../../secrets/ssh-keys.ts";
import { exitCodes, OlympusError } from "../base/errors.ts";
import { quote, quoteAll } from "../base/quote.ts";
import { callWords, knownHost } from "../harness/gates/over-ssh.ts";
import {
  applyToAgents,
  oldValueOf,
  onHost,
  type RotateContext,
  type Rotation,
  replaceValues,
  rotationError,
} from "./rotation.ts";

/** What an agent's harness calls hosts for, by its keys that are set. */
export function callsOf(agent: string, { team, secrets }: Pick<RotateContext, "team" | "secrets">) {
  if (!callersOf(team).includes(agent)) return [];
  return doorsOf(team)
    .filter(({ name }) => secrets.get(`agents.${agent}.deploy.${name}.private`) !== undefined)
    .map((door) => ({ ...door, host: team.team.policy.gates.deploy[door.deploy]!.host }));
}

/**
 * All keys with which an agent's harness calls hosts to deploy: they come in one restart. The hosts take both of each until the agent has
 * logged in with the new ones; an old one then opens nothing. The commands themselves are not run for it.
 */
export function deploymentKeysRotation(agent: string, context: RotateContext): Rotation {
  const { team, secrets, apply } = context;
  const path = `agents.${agent}.deploy`;
  const calls = callsOf(agent, context);
  if (calls.length === 0) {
    throw new OlympusError(`${agent} has no key for a deployment`, {
      code: "E-SECRET-ROTATE",
      exit: exitCodes.usage,
      where: team.file,
      hint: "policy.gates.deploy names what is deployed; npx olympus role setup deploy agent --all  makes the keys, for agents with an account on the forge.",
    });
  }
  const hosts = [...new Set(calls.map(({ host }) => host))];
  const waiting = (half: "private" | "public"): string[] =>
    secrets.paths().filter((one) => one.startsWith(`${rotationPrefix}${path}.`) && one.endsWith(`.${half}`));
  return {
    name: path,
    users: [...hosts, `${agent}'s harness`],
    overlap: `${hosts.join(", ")}: both keys are taken until the new one was used; the agent restarts once`,
    begun: () => waiting("private").length > 0,
    async begin() {
      const pairs = calls.map(({ name }) => {
        const pair = generateSshKeyPair(`${agent}@${name}`);
        return { [`${path}.${name}.private`]: pair.private, [`${path}.${name}.public`]: pair.public };
      });
      await replaceValues(secrets, Object.assign({}, ...pairs));
    },
    async deliver() {
      await apply("deploy", hosts);
      await applyToAgents([agent], context);
    },
    async verify() {
      for (const call of calls) {
        const { code, printed } = await knock(call);
        // The door's own word: the login worked, and what was asked for is no commit.
        if (code !== 64 || !printed.includes("refused: "))
          throw rotationError(`${call.host} does not take the new key for ${call.name}: ${printed}`, agent);
      }
    },
    async finish() {
      // Only the public half lets anybody in: hosts forget it first, and are asked whether they did.
      for (const one of waiting("public")) secrets.delete(one);
      await secrets.save();
      await apply("deploy", hosts);
      for (const call of calls) {
        const old = oldValueOf(secrets, `${path}.${call.name}.private`);
        if (old === undefined) continue;
        const { code, printed } = await knock(call, old);
        if (code !== 255 || !printed.includes("Permission denied"))
          throw rotationError(
            `${call.host} was to refuse the old key for ${call.name}: ${printed || "it did not"}`,
            agent,
          );
        // One by one: a newer sshd takes no more calls for a while from whom it has refused often, and the next run goes on here.
        secrets.delete(`${rotationPrefix}${path}.${call.name}.private`);
        await secrets.save();
      }
      // Of deployments that the team file names no more.
      for (const one of waiting("private")) secrets.delete(one);
      await secrets.save();
    },
  };

  /** Calls a host from the agent's machine as the harness does, but with no commit: by the agent's own file, or a key on stdin, which lies in memory meanwhile. */
  function knock({ name, deploy, host }: (typeof calls)[number], given?: string) {
    const to = hostToCall(deploy, host, team, secrets);
    const folder = `/dev/shm/olympus-${randomBytes(8).toString("hex")}`;
    const key = given === undefined ? `${secretsFolder}/${keyFile(name)}` : `${folder}/key`;
    const words = quoteAll(["ssh", ...callWords(to, key, `${folder}/known`, "no-commit")]);
    const script = `umask 077; mkdir ${folder} && trap 'rm -rf ${folder}' EXIT && cat >${folder}/key && printf %s ${quote(knownHost(to))} >${folder}/known && ${words} </dev/null`;
    return onHost(context, agent, script, given ?? "");
  }
}
