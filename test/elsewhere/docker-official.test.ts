import { expect } from "vitest";
import { role } from "../../roles/docker/role.ts";
import { silentReporter } from "../../src/base/report.ts";
import { listHosts } from "../../src/team/hosts.ts";
import { itElsewhere } from "../support/elsewhere.ts";
import { openRoleLab } from "../support/role-lab.ts";

itElsewhere("docker-official", "Docker's own packages, signed by the key of the lock file, run", async () => {
  const lab = await openRoleLab(1);
  try {
    const params = role.params.parse({});
    const { team, secrets } = lab;
    const hosts = listHosts(team);
    const signal = AbortSignal.timeout(600_000);
    const context = { team, hosts, host: hosts[0]!, secrets, reporter: silentReporter(), signal };
    const operations = role.setup(await role.inputs(context, params), params);
    const setup = await lab.apply("setup", { docker: operations });
    expect(setup.errors).toEqual([]);
    expect((await lab.apply("setup", { docker: operations })).changed).toBe(0);
    expect(await lab.inside("docker version --format '{{.Server.Platform.Name}}'")).toContain(
      "Docker Engine - Community",
    );
    expect((await lab.apply("reset", { docker: operations }, { purge: ["containers"] })).errors).toEqual([]);
  } finally {
    await lab.close();
  }
});
