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
 * database of before when it does not get well in time. What is under way stands in a file, so that a run that was cut off is taken up.
 * Since then a restart of the machine may have started a server and people may have written: before the switch it begins anew, a release
 * that answers has arrived, and a database that gives way is set aside. A server that has no release yet is none of its business.
 */
export function upgradeScripts({ release, healthy, timeout }: Upgrade): { check: string; apply: string; undo: string } {
  return {
    check: `[ ! -L ${programFolder} ] || { [ ! -e ${stateFile} ] && [ "$(readlink ${programFolder})" = releases/${release} ]; }`,
    apply: `${functions(release, healthy, timeout)}
old= to= dump= phase= aside=
if [ -e ${stateFile} ]; then
  . ${stateFile}; aside=mattermost-before-$(date -u +%Y%m%dT%H%M%SZ)
  if [ "$phase" = forward ] && at "$old"; then
    # That dump is older than what was written since.
    rm -f ${stateFile} "$dump" "$dump.json"
  elif [ "$phase" = forward ] && healthy; then
    arrived
  elif [ "$phase" = back ] || [ "$to" != ${release} ]; then
    go_back || { echo "and $old does not answer either: its database is in $dump"; exit 1; }
  fi
fi
if [ ! -e ${stateFile} ]; then
  old="$(readlink ${programFolder})"; old="\${old#releases/}"; to=${release} aside=
  # Nothing to go back to: then this is a first start.
  if [ "$old" = "$to" ] || [ ! -x ${releasesFolder}/"$old"/bin/mattermost ]; then exit 0; fi
  room_for_dump
  systemctl stop ${unitName}
  make_dump || { systemctl start --no-block ${unitName}; echo "the dump failed: nothing was switched"; exit 1; }
fi
relink releases/"$to" ${programFolder}
if serve; then
  arrived
else
  go_back || { echo "$to did not get well, and $old does not answer either: its database is in $dump"; exit 1; }
  echo "release $to did not answer within ${timeout} s: release $old and its database are back and answer"
  exit 1
fi`,
    undo: `rm -f ${stateFile}`,
  };
}

const stateFile = "/var/backups/olympus/mattermost-upgrade";
/** What the server keeps of its settings in a file, which it may change when it starts. */
const settings = `${dataFolder}/config.json`;
/** Dumps that stay: of the last upgrade and the one before. */
const dumpsKept = 2;

function functions(release: string, healthy: string, timeout: number): string {
  return `at() { [ "$(readlink ${programFolder})" = releases/"$1" ]; }
healthy() { { ${healthy}; } >/dev/null 2>&1; }
remember() { printf 'old=%s to=%s dump=%s phase=%s\\n' "$old" "$to" "$dump" "$1" | note ${stateFile}; }
keep_settings() { ( umask 077; copy_out ${settings} "$1" ) && sync "$1" || { rm -f "$1"; return 1; }; }
serve() {
  reload
  systemctl reset-failed ${unitName} 2>/dev/null || : "it had not failed"
  systemctl start --no-block ${unitName}
  wait_for ${timeout} ${unitName} ${unitName} healthy
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
  if [ -f ${settings} ]; then keep_settings "$dump.json" || { rm -f "$dump.new"; return 1; }; fi
  sync "$dump.new" && mv "$dump.new" "$dump" && remember forward
}
arrived() {
  rm -f ${stateFile} "$dump.json"
  say kept "the chat's database as $old left it: $dump ($(( $(kilobytes "$dump") / 1000 + 1 )) MB)"
  forget_old
}
# Can be done again from its start, as long as the dump is there. Called as a condition, where -e does nothing.
go_back() {
  # Linked again is the release of before once its database is back, and may have served since.
  if [ "$phase" != back ] || ! at "$old"; then
    remember back && systemctl stop ${unitName} && restore_dump || return 1
    relink releases/"$old" ${programFolder} || return 1
  fi
  serve || return 1
  rm -f ${stateFile} "$dump.json"
}
restore_dump() {
  # What this very run started, and what never answered, has served nobody: its room is free for the other.
  if [ -z "$aside" ]; then echo 'drop database if exists mattermost with (force);' | postgres_sql || return 1; fi
  printf '%s\\n' 'drop database if exists "mattermost-restored" with (force);' "create database \\"mattermost-restored\\" owner mattermost template template0 encoding 'UTF8' lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8';" | postgres_sql || return 1
  runuser -u postgres -- pg_restore --exit-on-error -d mattermost-restored <"$dump" || return 1
  if [ -n "$(echo "select 1 from pg_database where datname = 'mattermost'" | postgres_sql)" ]; then set_aside || return 1; fi
  if [ -f "$dump.json" ]; then put "$dump.json" ${settings} 0600 mattermost mattermost || return 1; fi
  echo 'alter database "mattermost-restored" rename to mattermost;' | postgres_sql
}
set_aside() {
  if [ -f ${settings} ]; then keep_settings "$backups/$aside.json" || return 1; fi
  printf '%s\\n' "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'mattermost';" "alter database mattermost rename to \\"$aside\\";" | postgres_sql >/dev/null || return 1
  what="the chat's database as $to left it: database $aside"
  say kept "$what"; echo "$what"
}
forget_old() {
  ls -1d "$backups"/*-mattermost-upgrade.dump | sort -r | tail -n +${dumpsKept + 1} | while read -r one; do rm -f "$one"; done
  for one in ${releasesFolder}/*; do case "\${one##*/}" in "$to"|"$old"|${release}) ;; *) rm -rf "$one";; esac; done
}`;
}
