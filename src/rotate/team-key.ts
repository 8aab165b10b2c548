import { createHash, randomBytes } from "node:crypto";
import { endedTeamKey, nextTeamKey, oldTeamKey, teamKeyFile, teamKeyPath, teamKeys } from "../../roles/agent/forge.ts";
import { openSecrets } from "../../secrets/store.ts";
import { githubClient } from "../harness/forge/client.ts";
import { silentLog } from "../harness/log.ts";
import { marksBy } from "../harness/tasks/marks.ts";
import { forgeApi, forgeLogin } from "../team/forge.ts";
import type { LoadedTeam, Machine } from "../team/model.ts";
import { applyToAgents, onHost, type RotateContext, type Rotation, rotationError } from "./rotation.ts";

/** The credential of the process that runs, which is made anew with it. */
const handed = `/run/credentials/olympus-agent.service/${teamKeyFile}`;

/** Agents that sign what they write on the forge. */
export function signers(team: LoadedTeam): Machine[] {
  if (Object.keys(team.team.repositories).length === 0) return [];
  // OpenClaw writes nothing there.
  return team.machines.filter(
    (machine) => machine.agent?.runtime === "harness" && forgeLogin(team, machine) !== undefined,
  );
}

/**
 * The key by which agents trust what one of them wrote on the forge. Every agent takes the new one before the first signs with it, and the old
 * one until nothing that is open was signed by it: a claim that counts no more would have its work done twice.
 */
export function teamKeyRotation(context: RotateContext): Rotation {
  const { team, secrets, signal } = context;
  const names = signers(team).map(({ name }) => name);
  const value = (path: string): string => secrets.require(path).reveal();
  let open: string[] = [];
  const has = (path: string): boolean => secrets.get(path) !== undefined;
  return {
    name: teamKeyPath,
    users: names.map((name) => `${name}'s harness`),
    overlap:
      "what either signed is taken until nothing that is open was signed by the old one; agents restart three times",
    begun: () => has(nextTeamKey) || has(oldTeamKey) || has(endedTeamKey),
    async begin() {
      secrets.set(nextTeamKey, randomBytes(32).toString("hex"));
      await secrets.save();
    },
    async deliver() {
      if (has(nextTeamKey)) {
        await give();
        await seeOurs();
        secrets.set(oldTeamKey, value(teamKeyPath));
        secrets.set(teamKeyPath, value(nextTeamKey));
        secrets.delete(nextTeamKey);
        await secrets.save();
      }
      await give();
    },
    verify: seeHanded,
    async finish() {
      open = has(oldTeamKey) ? await signedByOld() : [];
      if (open.length > 0) {
        if (context.all) return;
        throw rotationError(signedStill(), forgeApi(team), {
          hint: `Both values are taken until these are closed; then: npx olympus secrets rotate ${teamKeyPath}, which goes on where it was. After a leak that cannot wait, with no agent at work: npx olympus secrets forget ${oldTeamKey}, then npx olympus role setup agent --all`,
        });
      }
      if (has(oldTeamKey)) {
        secrets.set(endedTeamKey, value(oldTeamKey));
        secrets.delete(oldTeamKey);
        // Before any host is asked: an agent that is down now goes on taking the old one, and the next run has to know of it.
        await secrets.save();
      }
      await give();
      secrets.delete(endedTeamKey);
      await secrets.save();
    },
    waits: () => open.length > 0,
    left: () =>
      open.length === 0
        ? undefined
        : `${teamKeyPath}: ${signedStill()}. Once these are closed: npx olympus secrets rotate ${teamKeyPath}`,
  };

  function signedStill(): string {
    return `signed with the old value, and open: ${open.join(", ")}`;
  }

  async function give(): Promise<void> {
    await seeOurs();
    await applyToAgents(names, context);
    await seeHanded();
  }

  /**
   * The file says what this process knows: another one that ended the same rotation meanwhile would see a key come back that is known to be
   * leaked. Saving does not find it where both write the same.
   */
  async function seeOurs(): Promise<void> {
    const saved = await openSecrets({ secretsFile: secrets.file });
    const changed = [teamKeyPath, nextTeamKey, oldTeamKey, endedTeamKey].filter(
      (path) => saved.get(path)?.reveal() !== secrets.get(path)?.reveal(),
    );
    if (changed.length === 0) return;
    throw rotationError(`another command changed ${changed.join(", ")} meanwhile`, secrets.file, {
      hint: `See that no other one runs, then: npx olympus role setup agent --all. Where npx olympus secrets check still names ${teamKeyPath}: npx olympus secrets rotate ${teamKeyPath}, which goes on where it is now.`,
    });
  }

  /** Each agent's process was started with the keys that the secrets name now. */
  async function seeHanded(): Promise<void> {
    const wanted = createHash("sha256")
      .update(`${teamKeys(secrets).reveal()}\n`)
      .digest("hex");
    for (const name of names) {
      // A line that is not ended is.
      const { printed } = await onHost(context, name, `sed '$a\\' ${handed} | sha256sum`, "");
      if (!printed.startsWith(wanted))
        throw rotationError(`${name} does not run with the keys that it was given`, name);
    }
  }

  /** Open issues and pull requests with something in them that only the old value verifies, as `repository#number`. */
  async function signedByOld(): Promise<string[]> {
    const token = secrets.require(`agents.${names[0]!}.github`);
    const client = githubClient({ api: forgeApi(team), token, log: silentLog, spaced: true, signal });
    const old = secrets.require(oldTeamKey);
    // By others it means nothing to anybody, and whoever a key was leaked to is not to keep it alive with a comment.
    const ours = team.machines.flatMap((machine) => forgeLogin(team, machine)?.toLowerCase() ?? []);
    const found: string[] = [];
    for (const repository of Object.keys(team.team.repositories)) {
      const [owner, repo] = repository.split("/") as [string, string];
      const issues = await client.paginate(client.rest.issues.listForRepo, {
        owner,
        repo,
        state: "open",
        per_page: 100,
      });
      for (const issue of issues) {
        const at = { owner, repo, issue_number: issue.number, per_page: 100 };
        const comments = issue.comments === 0 ? [] : await client.paginate(client.rest.issues.listComments, at);
        const signed = [issue, ...comments].some(({ user, body }) => {
          const login = user?.login ?? "";
          return ours.includes(login.toLowerCase()) && marksBy(old, { repo: repository, login }, body ?? "");
        });
        if (signed) found.push(`${repository}#${issue.number}`);
      }
    }
    return found;
  }
}
