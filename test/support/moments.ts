/**
 * The programs whose calls are a run's moments: `sync`, once it is written how a change is undone, and before a new file gets its name;
 * `dpkg`, in the middle of an installation; `systemctl`, between a change and the restart that it wants.
 */
const programs = ["sync", "dpkg", "systemctl"];

/**
 * Stands before each of them. It counts the calls of a run's own unit, and at the one that is asked for kills the unit instead of
 * letting the program begin: what kills is the run itself, so it cannot come too late.
 */
const wrapper = `#!/bin/sh
if grep -q olympus-apply- /proc/self/cgroup; then
  echo "\${0##*/} $*" >>/run/moments/seen
  if [ -f /run/moments/at ] && [ "$(wc -l </run/moments/seen)" = "$(cat /run/moments/at)" ]; then
    systemctl.real kill -s KILL 'olympus-apply-*'
    exec sleep infinity
  fi
fi
exec "$0.real" "$@"
`;

/**
 * The moments of every run on a machine while `work` runs, in order, each as the call that it was. With `at`, from 1, the run that
 * comes to that moment is killed there; it is the last one then.
 */
export async function moments(
  inside: (script: string) => Promise<string>,
  work: () => Promise<void>,
  at?: number,
): Promise<string[]> {
  const each = (script: string) => `for p in ${programs.join(" ")}; do p=/usr/bin/$p; ${script}; done`;
  await inside(`set -e; mkdir /run/moments; : >/run/moments/seen
${at === undefined ? "" : `echo ${at} >/run/moments/at`}
cat >/run/moments/wrapper <<'X'
${wrapper}X
${each('mv "$p" "$p.real"; install -m 755 /run/moments/wrapper "$p"')}`);
  try {
    await work();
    const seen = await inside("cat /run/moments/seen");
    return seen.split("\n").filter((line) => line !== "");
  } finally {
    await inside(`set -e; ${each('mv "$p.real" "$p"')}; rm -r /run/moments`);
  }
}
