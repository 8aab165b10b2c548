/**
 * What a role could touch on a host, as lines: files with owner, mode and content, packages, users, groups, units, what runs,
 * firewall rules, databases.
 *
 * Left out, because it says nothing about a reset: our own journal and backups; lists and caches of apt, dpkg and ucf (packages
 * are compared by name); what systemd keeps by itself (timers' last times, seeds); backups that passwd's tools write beside
 * /etc/passwd and its kin; the linker's cache, made from libraries; sudo's mark of a first use; logs.
 */
export const leftOut = [
  "var/lib/olympus",
  "var/backups",
  "var/lib/apt",
  "var/lib/dpkg",
  "var/lib/ucf",
  "var/lib/systemd",
  "var/cache",
  "var/log",
  "var/tmp",
  "etc/*-",
  "etc/ld.so.cache",
  "*/.sudo_as_admin_successful",
] as const;

/** Started by others' questions and logins and ended by themselves after a while; and what is left of runs of our own. */
const passing =
  /^(systemd-(hostnamed|localed|timedated|tmpfiles-clean)|apt-daily.*|user(-runtime-dir)?@.*|session-\d+|run-user-\d+|olympus-(apply|guard)-.*|run-credentials-.*)\./;

/** Takes a snapshot by a shell that runs as root on the host. */
export async function snapshotHost(inside: (script: string) => Promise<string>): Promise<string[]> {
  const prune = leftOut.map((path) => `-path '${path}'`).join(" -o ");
  const text = await inside(`export LC_ALL=C; cd /
find etc home opt srv root usr/local var \\( ${prune} \\) -prune -o -printf 'file %p %y %m %u %g %l\\n' -type f -exec sha256sum {} + | sort
dpkg-query -W -f 'package \${Package} \${db:Status-Status}\\n'; apt-mark showhold | sed 's/^/hold /'
getent passwd | sed 's/^/user /'; getent group | sed 's/^/group /'; passwd -Sa | awk '{ print "password", $1, $2 }'
systemctl list-unit-files --no-legend | awk '{ print "unit", $1, $2 }' | sort
systemctl list-units --plain --no-legend --type=service,socket,timer,mount --state=running,listening,waiting,mounted | awk '{ print "active", $1 }' | sort
if command -v nft >/dev/null; then nft list ruleset | sed 's/^/nft /'; fi
if command -v iptables-save >/dev/null; then for f in iptables-save ip6tables-save; do $f | sed -n '/^[-:]/s/ \\[[0-9:]*\\]//; /^[-:]/s/^/firewall /p'; done; fi
if command -v psql >/dev/null && [ -d /run/postgresql ]; then runuser -u postgres -- psql -AtXqc "select 'database ' || datname || ' of ' || pg_get_userbyid(datdba) from pg_database union all select 'database role ' || rolname from pg_roles order by 1" || echo 'database none answers'; fi`);
  return text.split("\n").filter((line) => line !== "" && !passing.test(line.replace(/^(active|unit) /, "")));
}

/** Lines that are in one snapshot alone: `-` before, `+` after. Empty when a reset gave everything back. */
export function snapshotDifference(before: readonly string[], after: readonly string[]): string[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
}
