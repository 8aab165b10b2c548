import { role } from "../../roles/dev-env/role.ts";
import { silentReporter } from "../../src/base/report.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { listHosts } from "../../src/team/hosts.ts";
import type { RoleLab } from "./role-lab.ts";

/** What the role wishes with these parameters on the lab's first machine. */
export async function devEnvOperations(lab: RoleLab, params: object): Promise<Operation[]> {
  const hosts = listHosts(lab.team);
  const wished = role.params.parse(params);
  const { team, secrets } = lab;
  const signal = AbortSignal.timeout(600_000);
  const context = { team, hosts, host: hosts[0]!, secrets, reporter: silentReporter(), signal };
  return role.setup(await role.inputs(context, wished), wished);
}

/** Runs a script as people do: a login shell of `agent`, but with a home of its own, so that nothing of it stays. */
export async function asAgent(lab: RoleLab, script: string): Promise<string> {
  const text = Buffer.from(`cd; ${script}`).toString("base64");
  return lab.inside(
    `install -d -o agent -g agent /tmp/probe; echo ${text} | base64 -d >/tmp/probe/script; runuser -u agent -- env -i HOME=/tmp/probe TERM=dumb PATH=/usr/local/bin:/usr/bin:/bin bash -l -e /tmp/probe/script 2>&1`,
  );
}
