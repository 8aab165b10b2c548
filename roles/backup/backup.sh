#!/bin/bash
# Backups of this host: now | verify [NAME] | restore NAME | list | opens [NAME] | status. As root. Settings are in /etc/olympus/backup.conf.
set -euo pipefail
umask 077
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
. /etc/olympus/backup.conf
# DATABASES, FOLDERS, LIVE (those of FOLDERS with SQLite databases that are written to), UNITS: words. STORE: user@address, PORT. METRICS: file or empty.
secrets=/etc/olympus/secrets
quote="'"
state=/var/lib/olympus-backup
mkdir -p "$state"
case "${1:-}" in
  status | list | opens) ;;
  *)
    exec 9>"$state/lock"
    flock -n 9 || { echo "another backup, verification or restore is under way"; exit 75; }
    ;;
esac
store() {
  ssh -F none -T -i "$secrets/backup-ssh" -p "$PORT" -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/etc/olympus/backup.known_hosts -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 "$STORE" "$@" 9>&-
}
tell() { echo "$*" || :; } # Whoever asked may be gone.
# On the disk that the data is on: it is as large.
scratch=
workplace() {
  rm -rf /srv/olympus/.backup.*
  scratch=$(mktemp -d /srv/olympus/.backup.XXXXXX)
  trap ended EXIT
}
ended() {
  # Whatever becomes of whoever asked, it tidies up to its end.
  trap '' HUP INT PIPE TERM
  set +e
  if [ -n "${try:-}" ]; then as_postgres dropdb --if-exists "$try"; fi
  if [ -n "${restoring:-}" ]; then
    if go_back; then
      for one in $DATABASES; do as_postgres dropdb --if-exists "$one-restored"; done
      tell "nothing was changed"
      if [ -n "$stopped" ]; then systemctl start $stopped; fi
    else
      tell "only a part is back${UNITS:+, so $UNITS stays stopped}: restore it again; what was there before is beside it"
    fi
  fi
  rm -rf "$scratch"
}
as_postgres() { (cd / && runuser -u postgres -- "$@"); }
newest() { store list | awk '{ name = $1 } END { if (name == "") { print "there is no backup of this host" >"/dev/stderr"; exit 1 }; print name }'; }
seconds_of() { date -u -d "$(sed -E 's/^(....)(..)(..)T(..)(..)(..)Z.*/\1-\2-\3 \4:\5:\6/' <<<"$1")" +%s; }
write_metrics() {
  [ -n "$METRICS" ] && [ -d "${METRICS%/*}" ] || return 0
  { for one in made verified; do
      if [ -s "$state/$one" ]; then read -r at _ <"$state/$one"; echo "olympus_backup_last_${one}_timestamp_seconds $at"; fi
    done; } >"$METRICS.$$"
  chmod 644 "$METRICS.$$"; mv "$METRICS.$$" "$METRICS"
}
note() { echo "$(seconds_of "$2") $2" >"$state/$1.new"; sync "$state/$1.new"; mv "$state/$1.new" "$state/$1"; write_metrics; }

back_up() {
  workplace
  mkdir "$scratch/postgresql" "$scratch/sqlite"
  # Databases before files: whatever a row speaks of is then among the files.
  for one in $DATABASES; do as_postgres pg_dump -Fc "$one" >"$scratch/postgresql/$one.dump"; done
  # A database that is written to must be asked for a copy; its files alone are none.
  : >"$scratch/exclude"
  for folder in $LIVE; do
    while IFS= read -r -d '' file; do
      if [ "$(head -c 15 "$file" | tr -d '\0')" != 'SQLite format 3' ]; then continue; fi
      mkdir -p "$scratch/sqlite${file%/*}"
      # Whoever owns the folder names the files: no name may end the quotes.
      if ! sqlite3 -cmd '.timeout 30000' "$file" "vacuum into '${scratch}/sqlite${file//$quote/$quote$quote}'" 2>"$scratch/why"; then
        # A broken one deep in somebody's work is none of ours, and goes along as it is; one of the program's own is.
        if [ "${file%/*}" = "$folder" ] || ! grep -qE 'malformed|not a database' "$scratch/why"; then echo "$file: $(cat "$scratch/why")"; exit 1; fi
        rm -f "$scratch/sqlite$file"
        echo "$file is broken: taken along as it is"
        continue
      fi
      chmod --reference="$file" "$scratch/sqlite$file"; chown --reference="$file" "$scratch/sqlite$file"
      for part in '' -wal -shm; do printf '%s\n' "${file#/}$part" >>"$scratch/exclude"; done
    done < <(find "$folder" -xdev -type f \( -name '*.sqlite' -o -name '*.sqlite3' -o -name '*.db' \) -print0)
  done
  name=$(date -u +%Y%m%dT%H%M%SZ).tar.age
  set -- -C "$scratch" postgresql sqlite
  for folder in $FOLDERS; do set -- "$@" -C / "${folder#/}"; done
  # Files that grow or go while they are read are no failure: those that matter are in the copies above.
  { tar -c --warning=no-file-changed --warning=no-file-removed --anchored --no-wildcards -X "$scratch/exclude" "$@" || [ $? = 1 ]; } |
    age -R /etc/olympus/backup.recipients | tee >(sha256sum >"$scratch/sum") | store put "$name"
  until [ -s "$scratch/sum" ]; do sleep 0.1; done
  read -r sum _ <"$scratch/sum"
  store commit "$name" "$sum"
  note made "$name"
  echo "made $name"
}

# fetch NAME: unpacked into $scratch. age refuses what was cut off or changed.
fetch() {
  workplace
  store get "$1" | age -d -i "$secrets/backup-age" | tar -x -C "$scratch" --same-owner -p
}

verify() {
  fetch "$1"
  for one in $DATABASES; do
    try="olympus_verify_$one"
    as_postgres dropdb --if-exists "$try"
    as_postgres createdb -T template0 -E UTF8 "$try"
    as_postgres pg_restore --exit-on-error --no-owner -d "$try" <"$scratch/postgresql/$one.dump"
    tables=$(as_postgres psql -AtXc "select count(*) from pg_tables where schemaname = 'public'" "$try")
    as_postgres dropdb "$try"; try=
    echo "database $one: $tables tables"
  done
  while IFS= read -r -d '' file; do
    answer=$(sqlite3 "$file" 'pragma integrity_check')
    if [ "$answer" != ok ]; then echo "${file#"$scratch/sqlite"}: $answer"; exit 1; fi
    echo "${file#"$scratch/sqlite"}: sound"
  done < <(find "$scratch/sqlite" -type f -print0)
  for folder in $FOLDERS; do
    [ -d "$scratch$folder" ] || { echo "$folder is not in it"; exit 1; }
    echo "$folder: $(find "$scratch$folder" -type f | wc -l) files"
  done
  note verified "$1"
  echo "verified $1"
}

# opens [NAME]: which of the identities on stdin, by their lines, open a kept backup, or each one. Its beginning tells; it lies in memory.
opens() {
  try_in=$(mktemp -d -p /dev/shm)
  trap 'rm -rf "$try_in"' EXIT
  count=0
  while read -r one; do count=$((count + 1)); printf '%s\n' "$one" >"$try_in/$count"; done
  names=${1:-}
  if [ -z "$names" ]; then names=$(store list </dev/null | cut -d ' ' -f 1); fi
  for name in $names; do
    # What does not arrive is opened by none.
    { store get "$name" </dev/null | head -c 262144 >"$try_in/beginning"; } 2>/dev/null || true
    line=$name
    for one in $(seq "$count"); do
      if [ "$(age -d -i "$try_in/$one" <"$try_in/beginning" 2>/dev/null | head -c 1 | wc -c)" = 1 ]; then line="$line $one"; fi
    done
    echo "$line"
  done
}

owner_of() { as_postgres psql -AtXc "select pg_get_userbyid(datdba) from pg_database where datname = '$1'"; }

# put_databases FOLDER: the copies of its databases into it, file by file: folders and links are as they were, and not gone through.
put_databases() {
  [ -d "$scratch/sqlite$1" ] || return 0
  real=$(realpath "$scratch")
  while IFS= read -r -d '' one; do
    into=$(dirname "$scratch$1/$one")
    if [ "$(realpath -m "$into")" != "$real${into#"$scratch"}" ]; then echo "$1/$one: its folder is a link: left out"; continue; fi
    cp -p --remove-destination "$scratch/sqlite$1/$one" "$scratch$1/$one"
  done < <(find "$scratch/sqlite$1" -type f -printf '%P\0')
}

# What leads back from a restore that fails, the newest change first.
undo=()
undone_by() { undo=("$(printf '%q ' "$@")" "${undo[@]}"); }
go_back() { for one in "${undo[@]}"; do eval "$one" || return 1; done; }
rename_database() { as_postgres psql -Xqc "alter database \"$1\" rename to \"$2\""; }
# take_out FOLDER [OF-BEFORE]: what the backup brought, for what was there.
take_out() { rm -rf "$1" && if [ -n "${2:-}" ]; then mv -T "$2" "$1"; fi; }

# What is there now is set aside, not deleted.
restore() {
  fetch "$1"
  aside=before-$(date -u +%Y%m%dT%H%M%SZ)
  for one in $DATABASES; do [ -s "$scratch/postgresql/$one.dump" ] || { echo "database $one is not in it: nothing was changed"; exit 1; }; done
  stopped= restoring=1
  # What takes long, and may fail, comes before anything is stopped or changed.
  for one in $DATABASES; do
    owner=$(owner_of "$one")
    as_postgres dropdb --if-exists "$one-restored"
    as_postgres createdb -O "${owner:-$one}" -T template0 -E UTF8 --locale=C.UTF-8 "$one-restored"
    as_postgres pg_restore --exit-on-error -d "$one-restored" <"$scratch/postgresql/$one.dump"
  done
  for folder in $FOLDERS; do put_databases "$folder"; done
  # From here on it comes to its end, also where the connection is lost.
  trap '' HUP INT PIPE TERM
  # One that waits to be started again would come up in the middle of it.
  for unit in $UNITS; do
    case $(systemctl is-active "$unit" || true) in active | activating | reloading) stopped="$stopped $unit"; systemctl stop "$unit" ;; esac
  done
  for one in $DATABASES; do
    if [ -n "$(owner_of "$one")" ]; then
      rename_database "$one" "$one-$aside"
      undone_by rename_database "$one-$aside" "$one"
      tell "database $one of before: $one-$aside"
    fi
    rename_database "$one-restored" "$one"
    undone_by rename_database "$one" "$one-restored"
  done
  for folder in $FOLDERS; do
    if [ -e "$folder" ]; then
      mv -T "$folder" "$folder.$aside"
      undone_by take_out "$folder" "$folder.$aside"
      tell "$folder of before: $folder.$aside"
    else
      undone_by take_out "$folder"
    fi
    mv -T "$scratch$folder" "$folder"
  done
  restoring=
  for unit in $UNITS; do
    case " $stopped " in *" $unit "*) ;; *) systemctl -q is-enabled "$unit" 2>/dev/null || continue ;; esac
    systemctl start "$unit" || ill="${ill:-} $unit"
  done
  if [ -n "${ill:-}" ]; then tell "the data is back, but$ill did not start"; exit 1; fi
  tell "restored $1"
}

case "${1:-}" in
  now) back_up ;;
  verify | restore)
    name=${2:-latest}
    if [ "$name" = latest ]; then name=$(newest); fi
    "$1" "$name"
    ;;
  list) store list ;;
  opens) opens "${2:-}" ;;
  status) for one in made verified; do if [ -f "$state/$one" ]; then echo "$one $(cat "$state/$one")"; fi; done ;;
  *) echo "usage: $0 now | verify [NAME] | restore NAME|latest | list | opens [NAME] | status"; exit 64 ;;
esac
