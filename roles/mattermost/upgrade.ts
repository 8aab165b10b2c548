import { quote } from "../../src/base/quote.ts";
import { dataFolder, programFolder, releasesFolder, unitName } from "./unit.ts";

export interface Upgrade {
  /** The release to switch to: a folder's name below releases. */
  readonly release: string;
  /** sh: exit code 0 when the server answers as it should. */
  readonly healthy: string;
  /** Seconds that a new release gets, migrations of its database included. */
  readonly timeout: number;
}

/**
 * Switches a server that is set up to another release: dump of its database, switch, start, health check; and back to the release and the
 * database of before when it does not get well in time. What is under way stands in a file, so that a run that was cut off is taken up:
 * forward when the same release is still wished, back otherwise. A server that has no release yet is none of its business.
 */
export function upgradeScripts({ release, healthy, timeout }: Upgrade): { check: string; apply: string; undo: string } {
  return {
    check: `[ ! -L ${programFolder} ] || { [ ! -e ${stateFile} ] && [ "$(readlink ${programFolder})" = releases/${release} ]; }`,
    apply: `${functions(healthy, timeout)}
old= to= dump= phase=
if [ -e ${stateFile} ]; then
  . ${stateFile}
  if [ "$phase" = back ] || [ "$to" != ${release} ]; then
    go_back || { echo "and $old does not answer either: its database is in $dump"; exit 1; }
  fi
fi
if [ ! -e ${stateFile} ]; then
  old="$(readlink ${programFolder})"; old="\${old#releases/}"; to=${release}
  # Nothing to go back to: then this is a first start.
  if [ "$old" = "$to" ] || [ ! -x ${releasesFolder}/"$old"/bin/mattermost ]; then exit 0; fi
  room_for_dump
  systemctl stop ${unitName}
  make_dump || { systemctl start --no-block ${unitName}; echo "the dump failed: nothing was switched"; exit 1; }
fi
relink releases/"$to" ${programFolder}
if serve; then
  rm -f ${stateFile} "$dump.json"
  say kept "the chat's database as $old left it: $dump ($(( $(kilobytes "$dump") / 1000 + 1 )) MB)"
  forget_old
else
  go_back || { echo "$to did not get well, and $old does not answer either: its database is in $dump"; exit 1; }
  echo "release $to did not answer within ${timeout} s: release $old and its database are back and answer"
  exit 1
fi`,
    undo: `rm -f ${stateFile}`,
  };
}

const stateFile = "/var/backups/olympus/mattermost-upgrade";
/** Dumps that stay: of the last upgrade and the one before. */
const dumpsKept = 2;

function functions(healthy: string, timeout: number): string {
  return `remember() { printf 'old=%s to=%s dump=%s phase=%s\\n' "$old" "$to" "$dump" "$1" >${stateFile}.new && sync ${stateFile}.new && mv ${stateFile}.new ${stateFile}; }
serve() {
  reload
  systemctl reset-failed ${unitName} 2>/dev/null || : "it had not failed"
  systemctl start --no-block ${unitName}
  wait_for ${timeout} ${unitName} ${unitName} ${quote(healthy)}
}
room_for_dump() {
  mkdir -p -m 700 "$backups"
  need=$(( $(echo "select pg_database_size('mattermost')" | postgres_sql) / 1024 ))
  have=$(df -Pk "$backups" | awk 'END { print $4 }')
  if [ "$need" -gt "$have" ]; then echo "no space for backups in $backups: $(( need / 1000 + 1 )) MB needed, $(( have / 1000 )) MB free"; return 1; fi
}
make_dump() {
  dump="$(backup_name mattermost-upgrade).dump"
  if ! ( umask 077; runuser -u postgres -- pg_dump -Fc mattermost >"$dump.new" ) || ! pg_restore -l "$dump.new" >/dev/null; then rm -f "$dump.new"; return 1; fi
  if [ -f ${dataFolder}/config.json ]; then cp -p ${dataFolder}/config.json "$dump.json"; fi
  sync "$dump.new" && mv "$dump.new" "$dump" && remember forward
}
# Can be done again from its start, as long as the dump is there. Called as a condition, where -e does nothing.
go_back() {
  remember back && systemctl stop ${unitName} || return 1
  printf '%s\\n' 'drop database if exists mattermost with (force);' "create database mattermost owner mattermost template template0 encoding 'UTF8' lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8';" | postgres_sql || return 1
  runuser -u postgres -- pg_restore --exit-on-error -d mattermost <"$dump" || return 1
  if [ -f "$dump.json" ]; then cp -p "$dump.json" ${dataFolder}/config.json; fi
  relink releases/"$old" ${programFolder} && serve || return 1
  rm -f ${stateFile} "$dump.json"
}
forget_old() {
  ls -1d "$backups"/*-mattermost-upgrade.dump | sort -r | tail -n +${dumpsKept + 1} | while read -r one; do rm -f "$one"; done
  for one in ${releasesFolder}/*; do case "\${one##*/}" in "$to"|"$old") ;; *) rm -rf "$one";; esac; done
}`;
}
