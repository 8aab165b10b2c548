import { execaSync } from "execa";

/**
 * First three numbers of a /24 of 10.<second>.0.0/16 that this computer has no way to, not even one that an earlier run left behind:
 * `10.223.17`. Where the search begins depends on the process, so that two suites that look at the same moment find two.
 */
export function freeNetwork(second: number): string {
  const { stdout: routes } = execaSync("ip", ["-4", "route", "show", "table", "all"]);
  for (let tries = 0; tries < 250; tries += 1) {
    const network = `10.${second}.${((process.pid + tries) % 250) + 1}`;
    if (!routes.includes(`${network}.`)) return network;
  }
  throw new Error(`no network of 10.${second}.0.0/16 is free: ip route shows who uses them`);
}
