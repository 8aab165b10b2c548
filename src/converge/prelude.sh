# Functions of an apply. POSIX sh; sourced by the script that the plan makes. $M marker, $R this run's folder in
# memory, $J the journal's folder, $B its blobs. Steps run in subshells with set -eu, one after another.
umask 022
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1
cd /

say() { printf '%s %s\n' "$M" "$*"; }

# begin GENERATION OWNER VERSION: takes the lock, refuses plans made from facts that are no longer true.
begin() {
  mkdir -p -m 700 "$J" "$B" "$J/saved" "$J/claims"
  exec 9>/run/olympus/lock
  # Who only looks whether somebody works here holds it for a moment, too.
  if ! flock -w 2 9; then say end 75; exit 75; fi
  have=; if [ -f "$J/generation" ]; then read -r have <"$J/generation"; fi
  if [ "$have" != "$1" ]; then say end 76; exit 76; fi
  trap 'rm -rf "$R/f" "$R/apply.sh" /run/olympus/owner' EXIT
  release_guards
  starts_again
  # What a run that was killed had not renamed yet.
  if [ -f "$J/temporary" ]; then while read -r t; do rm -rf "$t"; done <"$J/temporary"; rm -f "$J/temporary"; fi
  printf '%s\n' "$2" >/run/olympus/owner
  if ! why="$( ( set -eu; open_journal "$2" "$3" ) 2>&1 </dev/null 9>&-)"; then
    say begin 0 journal; printf '%s\n' "$why"; say end 1; exit 1
  fi
  # Secrets of a run that never got to its unit go now; of finished runs only the newest outputs stay.
  for old in /run/olympus/runs/*; do if [ "$old" != "$R" ] && ! arriving "$old"; then rm -rf "$old/f" "$old/apply.sh"; fi; done
  ls -1dt /run/olympus/runs/* | tail -n +6 | while read -r old; do if ! arriving "$old"; then rm -rf "$old"; fi; done
  for old in "$B"/*.up; do run=${old##*/}; if [ -d "$old" ] && ! arriving "/run/olympus/runs/${run%.up}"; then rm -rf "$old"; fi; done
}
# open_journal OWNER VERSION: on a full disk nothing is begun that could not be noted.
open_journal() {
  printf '%s\n' "$2" | note "$J/format"
  # A line that a power cut left without its end must not take the next one with it.
  for file in "$J/journal.jsonl" "$J/history.jsonl"; do if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file"; fi; done
  if [ -f "$J/history.jsonl" ]; then tail -n 400 "$J/history.jsonl" | note "$J/history.jsonl"; fi
  printf '%s\n' "$1" | cat >>"$J/history.jsonl"
  printf '%s\n' "${R##*/}" | note "$J/generation"
}

# arriving FOLDER: somebody is sending the files of another run there, and holds its lock.
arriving() { [ -e "$1/sending" ] && ! flock -n "$1/sending" true; }

# run NUMBER LABEL: runs step_NUMBER; the first failure ends the apply.
run() {
  say begin "$1" "$2"
  ( set -eu; F="$R/f/$1"; "step_$1" ) </dev/null 9>&-
  code=$?
  if [ "$code" != 0 ]; then
    revert_access; ended "$code" "$2"; say fail "$1" "$code"
    if [ "$code" != 77 ]; then code=1; fi
    say end "$code"; exit "$code"
  fi
  say done "$1"
}

# preflight LABEL COMMAND...: before the first step; when it fails nothing was changed.
preflight() {
  say begin 0 "$1"
  label=$1; shift
  if ! ( set -eu; "$@" ) </dev/null 9>&-; then ended 1 "$label"; say end 1; exit 1; fi
}

# In "$J/told": the newest run whose end somebody knows. One that ended well is nothing to tell.
finish() { ended 0; printf '%s\n' "${R##*/}" >"$J/told"; sync "$J/journal.jsonl" "$J/generation" 2>/dev/null; say end 0; }
# ended CODE [STEP]: the second line of a run's history; a run without one was killed.
ended() {
  printf '{"run":"%s","ended":%s,"code":%s,"step":"%s"}\n' "${R##*/}" "$(date +%s)" "$1" "$(printf %s "${2:-}" | sed 's/["\\]/\\&/g')" >>"$J/history.jsonl"
}

# Clock: behind or ahead by SECONDS. A guest that was restored or paused may be; certificates and apt then fail in odd words.
step_clock() { # SECONDS
  if ! date -s "@$(( $(date +%s) + $1 ))" >/dev/null 2>&1; then echo "the clock differs by $1 s and cannot be set from here"; return 1; fi
  if command -v hwclock >/dev/null; then hwclock --systohc 2>/dev/null || echo "the hardware clock keeps its time"; fi
}

# Names: every host that is about to be asked. `apt` stands for its sources, or its proxy when one is set.
names_resolve() { # apt|NAME|URL...
  bad=
  for name in $(for one in "$@"; do if [ "$one" = apt ]; then apt_sites; else printf '%s\n' "$one"; fi; done | sed -n 's,^[a-z+]*://,,; s,[/?].*,,; s,.*@,,; s,:[0-9]*$,,; /./p' | sort -u); do
    timeout 20 getent ahosts "$name" >/dev/null || bad="$bad $name"
  done
  if [ -n "$bad" ]; then echo "no address is known for:$bad"; return 1; fi
}
apt_sites() {
  proxy=; eval "$(apt-config shell proxy Acquire::http::Proxy)"
  case "$proxy" in
    ''|DIRECT) apt-get indextargets --format '$(SITE)' | sort -u | grep -E '^(https?|ftp)://' || : "sources are files";;
    *) printf '%s\n' "$proxy";;
  esac
}

# Restarts owed: noted before the change, forgotten when done, kept over a crash.
notify() {
  if [ -f "$J/pending" ] && grep -qxF "$1" "$J/pending"; then return 0; fi
  printf '%s\n' "$1" >>"$J/pending"; sync "$J/pending"
}
settled() {
  if [ -f "$J/pending" ]; then { grep -vxF "$1" "$J/pending" || : "none is left"; } | note "$J/pending"; fi
}
reload_wanted() { : >"$R/reload"; }
reload() { if [ -f "$R/reload" ]; then systemctl daemon-reload; rm -f "$R/reload"; fi; }
flush() {
  reload
  if [ ! -s "$J/pending" ]; then return 0; fi
  while read -r unit <"$J/pending"; do
    if have_unit "$unit"; then systemctl restart "$unit" || { unit_log "$unit"; return 1; }; fi
    settled "$unit"
    if [ ! -s "$J/pending" ]; then break; fi
  done
}

# Backups, before data goes: root's alone, read back before they count.
backups=/var/backups/olympus
kilobytes() { du -skc -- "$@" | sed -n '$s/[^0-9].*//p'; }
room_for_backups() { # PATH...
  mkdir -p -m 700 "$backups"
  need=0; for path in "$@"; do if [ -e "$path" ]; then need=$(( need + $(kilobytes "$path") )); fi; done
  have=$(df -Pk "$backups" | sed -n '$p' | awk '{ print $4 }')
  if [ "$need" -gt "$have" ]; then echo "no space for backups in $backups: $(( need / 1000 + 1 )) MB needed, $(( have / 1000 )) MB free"; return 1; fi
}
backup_name() { mkdir -p -m 700 "$backups"; printf '%s/%s-%s' "$backups" "$(date -u +%Y%m%dT%H%M%SZ)" "$(printf %s "${1#/}" | tr / -)"; }
backup_made() { sync "$1.new"; mv "$1.new" "$1"; say kept "backup of $2: $1 ($(( $(kilobytes "$1") / 1000 + 1 )) MB)"; }
back_up_path() {
  if [ ! -e "$1" ] || [ -z "$(find "$1" ! -type d -print -quit)" ]; then return 0; fi
  to="$(backup_name "$1").tar.gz"
  ( umask 077; tar -C / -czf "$to.new" -- "${1#/}" ) && tar -C / -dzf "$to.new" || { rm -f "$to.new"; echo "the backup of $1 failed: nothing of it was deleted"; return 1; }
  backup_made "$to" "$1"
}
back_up_database() {
  if ! have_postgres || [ -z "$(printf "select 1 from pg_database where datname = '%s'\n" "$1" | postgres_sql)" ]; then return 0; fi
  to="$(backup_name "database-$1").dump"
  ( umask 077; runuser -u postgres -- pg_dump -Fc -- "$1" >"$to.new" ) && pg_restore -l "$to.new" >/dev/null || { rm -f "$to.new"; echo "the backup of database $1 failed: nothing of it was deleted"; return 1; }
  backup_made "$to" "database $1"
}

# Packages. apt's lists are renewed once a run, and only when they are old or something could not be found.
# Also what is there by half, of an installation that was cut off or failed: it is somebody's, and may have to go.
installed() { dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sed -n '/ not-installed$/d; / config-files$/d; s/ .*//p' | sort -u; }
# unfinished: what an installation that was interrupted left by half.
unfinished() { dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sed -n '/ \(installed\|not-installed\|config-files\)$/!s/ .*//p' | sort -u; }
apt_get() {
  wait_for_apt || return 1
  mend_dpkg || return 1
  apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"
}
# apt_holder: `PID COMMAND` of who holds one of apt's locks, by the kernel's own list.
apt_holder() {
  pid=$(stat -c '%i' /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock 2>/dev/null |
    awk 'FNR == NR { lock[$1]; next } $2 == "POSIX" { split($6, at, ":"); if (at[3] in lock) { print $5; exit } }' - /proc/locks)
  if [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ]; then printf '%s %s' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c 1-100)"; fi
}
# wait_for_apt: until nobody else installs anything; ten minutes at most, told every ten seconds.
wait_for_apt() {
  waited=0
  while holder="$(apt_holder)" && [ -n "$holder" ]; do
    if [ $((waited % 10)) = 0 ]; then say wait "apt is held by $holder, for $waited s"; fi
    if [ "$waited" -ge 600 ]; then echo "apt is still held by $holder"; return 1; fi
    sleep 1; waited=$((waited + 1))
  done
}
# mend_dpkg: ends what an installation that was interrupted left half-done; apt would refuse to do anything else.
mend_dpkg() {
  if [ -f "$R/dpkg-whole" ]; then return 0; fi
  : >"$R/dpkg-whole"
  if [ -n "$(ls -A /var/lib/dpkg/updates)$(dpkg --audit)" ]; then
    # What misses another package cannot be set up before apt has brought that.
    set_up -a || : "apt looks at the rest"
    apt_get -f install || { rm -f "$R/dpkg-whole"; return 1; }
  fi
}
refresh_apt() { if [ ! -f "$R/apt-fresh" ]; then apt_get update || return 1; : >"$R/apt-fresh"; fi; }
get_packages() { # NAME...
  if [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mmin -1440 -print -quit)" ]; then refresh_apt || return 1; fi
  apt_get install --no-install-recommends "$@" || { refresh_apt && apt_get install --no-install-recommends "$@"; }
}
install_packages() { # LIST NAME...
  list="$J/saved/$1"; shift
  code=0; get_packages "$@" || code=1
  # Also when it failed: what comes before the next try is not ours.
  installed >"$R/now"
  comm -13 "$list" "$R/now" >"$R/made"; note "$list.made" <"$R/made"
  # To apt, what a metapackage brings was asked for by hand. Not here: by that a reset tells people's packages from ours.
  printf '%s\n' "$@" | sed 's/=.*//' | sort -u >"$R/named"; apt-mark showmanual | sort -u >"$R/manual"
  brought="$(comm -13 "$R/before" "$R/now" | comm -12 - "$R/manual" | comm -23 - "$R/named")"
  if [ -n "$brought" ]; then apt-mark auto $brought >/dev/null; fi
  return "$code"
}
# Nothing that is set up is started. By a link into memory: after a restart it stands for nothing.
no_starts() {
  if [ -e /usr/sbin/policy-rc.d ]; then return 0; fi
  printf '#!/bin/sh\nexit 101\n' >"$R/no-starts"; chmod 755 "$R/no-starts"; ln -sf "$R/no-starts" /usr/sbin/policy-rc.d
}
starts_again() { case "$(readlink /usr/sbin/policy-rc.d)" in /run/olympus/*) rm -f /usr/sbin/policy-rc.d ;; esac; }
find_ours() {
  installed >"$R/now"
  if [ -f "$list.made" ]; then comm -12 "$list.made" "$R/now" >"$R/ours"; elif [ -f "$list" ]; then comm -13 "$list" "$R/now" >"$R/ours"; else : >"$R/ours"; fi
}
set_up() { if [ $# -gt 0 ]; then dpkg --force-confdef --force-confold --configure "$@"; fi; }
remove_packages() { # purge|remove LIST KEEP NAME...
  how=$1; list="$J/saved/$2"; keep=$3; shift 3
  # What an installation left by half needs other packages, or takes itself for needed. What cannot be made whole goes as it is.
  wait_for_apt || return 1
  find_ours
  unfinished >"$R/half"
  # What goes is not started first; what others left by half is.
  no_starts
  if [ -z "$(comm -23 "$R/half" "$R/ours")" ]; then mend_dpkg || : >"$R/dpkg-whole"
  else set_up $(comm -12 "$R/half" "$R/ours") || : "it needs one that is not ours"; fi
  starts_again
  mend_dpkg || : >"$R/dpkg-whole"
  find_ours
  # Lists of before may hold what people installed themselves since.
  { apt-mark showauto; printf '%s\n' "$@"; } | sort -u | comm -12 "$R/ours" - >"$R/ours.new"; mv "$R/ours.new" "$R/ours"
  for name in $keep; do grep -vxF "$name" "$R/ours" >"$R/ours.new" || : "none is left"; mv "$R/ours.new" "$R/ours"; done
  if [ ! -s "$R/ours" ]; then return 0; fi
  # apt itself says which of them nothing else needs.
  apt-mark auto $(cat "$R/ours") >/dev/null
  for name in $keep; do if grep -qxF "$name" "$R/now"; then apt-mark manual "$name" >/dev/null; fi; done
  apt-get -s -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false autoremove >"$R/removal"
  sed -n 's/^Remv \([^ ]*\).*/\1/p' "$R/removal" | sed 's/:.*//' | sort -u >"$R/free"
  go="$(comm -12 "$R/ours" "$R/free")"
  if [ -n "$go" ]; then apt_get "$how" $go; fi
  stay="$(comm -23 "$R/ours" "$R/free" | tr '\n' ' ')"
  if [ -n "$stay" ]; then say kept "packages that others need: $stay"; fi
}

# Users and groups.
have_user() { getent passwd "$1" >/dev/null; }
have_group() { getent group "$1" >/dev/null; }
remove_user() { # NAME HOME-WE-MADE
  if have_user "$1"; then
    userdel "$1" 2>/dev/null || { pkill -KILL -u "$1" || : "it had no process"; userdel "$1"; }
  fi
  if [ -n "$2" ] && [ -d "$2" ]; then
    ( cd /etc/skel; find . -type f ) | while read -r skel; do if cmp -s "/etc/skel/$skel" "$2/$skel"; then rm "$2/$skel"; fi; done
    take_away "$2"
  fi
}
leave_group() { if have_user "$1" && have_group "$2" && id -nG "$1" | tr ' ' '\n' | grep -qxF "$2"; then gpasswd -d "$1" "$2" >/dev/null; fi; }
remove_group() {
  if ! have_group "$1"; then return 0; fi
  groupdel "$1" || say kept "group $1, which is some user's own"
}

# Units.
# Not by "systemctl cat": that fails as soon as settings of the unit are gone that systemd still knows.
have_unit() { [ -e "$(systemctl show -P FragmentPath "$1" 2>/dev/null)" ]; }
unit_log() { systemctl status --no-pager -l -n 20 "$1" || : "its exit code tells its state"; }
unit_enable() { reload; systemctl -q enable "$1"; }
unit_disable() { reload; systemctl -q disable "$1"; }
unit_start() { reload; systemctl start "$1" || { unit_log "$1"; return 1; }; settled "$1"; }
unit_stop() { systemctl stop "$1"; settled "$1"; }
wait_for() { # SECONDS UNIT WHAT PROBE
  until_=$(( $(date +%s) + $1 ))
  while ! eval "$4" >/dev/null 2>&1; do
    if [ "$(date +%s)" -ge "$until_" ]; then
      echo "$3 did not answer within $1 s"
      if [ -n "$2" ]; then unit_log "$2"; fi
      return 1
    fi
    sleep 0.2
  done
}
