import type { Reporter } from "../../src/base/report.ts";
import type { Operation } from "../../src/converge/operations.ts";
import { distributionOf } from "../../src/team/distribution.ts";
import type { Host } from "../../src/team/hosts.ts";

const profile = "/etc/apparmor.d/olympus-bwrap";

/**
 * Whether a machine lets only programs with a profile make namespaces as an ordinary user, as Ubuntu 24.04 does. Warns where the harness
 * will find that it has no tools: the bubblewrap of Ubuntu 22.04 is 0.6, and `--disable-userns` came with 0.8.
 */
export function wantsProfile(host: Host, reporter: Pick<Reporter, "warn">): boolean {
  const distribution = distributionOf(host);
  if (distribution === "ubuntu-22.04") {
    reporter.warn(
      `${host.name} develops, and will have no tools: the bubblewrap of ${host.machine?.image} is too old. Give it debian-12 or ubuntu-24.04.`,
    );
  }
  return distribution === "ubuntu-24.04";
}

/** Lets bubblewrap make namespaces, and nobody else. */
export const profileOperations: readonly Operation[] = [
  {
    kind: "file",
    id: "sandbox-profile",
    path: profile,
    content: `# Written by the role agent.
abi <abi/4.0>,
include <tunables/global>

profile olympus-bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
}
`,
  },
  {
    kind: "command",
    id: "sandbox-profile-loaded",
    summary: "let bubblewrap make namespaces",
    check: "grep -q '^olympus-bwrap ' /sys/kernel/security/apparmor/profiles",
    apply: `apparmor_parser --replace ${profile}`,
    undo: `apparmor_parser --remove ${profile}`,
  },
];
