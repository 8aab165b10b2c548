# Functions of an apply for files, folders and links; sourced with prelude.sh. Journals of hosts name those that undo: keep them.

# temp PATH: noted before it is made, so that the next run takes it away should this one be killed.
temp() { printf '%s\n' "$1" >>"$J/temporary"; }

# Who owns a folder can put a link in it at any moment, also between our look and our write, to have root change what the link leads to.
# So what lies in folders that are not all root's is done from inside them: in a folder of root's own, whose `..` nobody can swap.

# held FOLDER: somebody else than root owns a folder on the way. $roots is the part that only root can change, $rest the other.
held() {
  roots=; rest="${1#/}"
  while [ -n "$rest" ]; do
    if [ ! -O "$roots/${rest%%/*}" ]; then return 0; fi
    roots="$roots/${rest%%/*}"
    case "$rest" in */*) rest="${rest#*/}" ;; *) rest= ;; esac
  done
  return 1
}
# enter FOLDER, which is held: into it, when no link leads there but such of its owner's to his own.
enter() {
  real="$(cd -P "${roots:-/}" && pwd -P)" && cd -P -- "$1" || return 1
  if [ "$(pwd -P)" = "${real%/}/$rest" ]; then return 0; fi
  if [ ! -O . ] && [ "$(stat -c %u .)" = "$(stat -L -c %u "$roots/${rest%%/*}")" ]; then return 0; fi
  echo "$1 leads to $(pwd -P), which is not its owner's: nothing was changed there"
  return 1
}
# privately FOLDER COMMAND...: runs it in a folder of root's own, with FOLDER as `..`.
privately() (
  folder=$1; shift
  enter "$folder" || exit 1
  here="$(pwd -P)"; read -r id </proc/sys/kernel/random/uuid; t=".olympus.$id"
  temp "$folder/$t"; mkdir -m 700 "./$t" && cd -P "./$t" || exit 1
  if [ "$(pwd -P)" != "${here%/}/$t" ] || [ ! -O . ]; then echo "$folder changes while it is worked on"; exit 1; fi
  code=0; "$@" || code=$?
  cd -P .. && rm -rf "./$t"
  exit "$code"
)
# A file of `..` as `it`, by the same inode: no longer what its name leads to later, and not a link.
grasp() {
  ln -P "../${1##*/}" it || return 1
  if [ -L it ]; then echo "$1 is a link by now: left alone"; return 1; fi
}

# Content arrives beside its place and is renamed, so that no reader sees half of it.
own() {
  if held "${1%/*}"; then privately "${1%/*}" own_here "$@"; return; fi
  chown -h "$3:$4" "$1" && chmod "$2" "$1"
}
own_here() {
  if [ -d "../${1##*/}" ] && [ ! -L "../${1##*/}" ]; then
    ( here="$(cd -P .. && pwd -P)"; cd -P "../${1##*/}" && [ "$(pwd -P)" = "${here%/}/${1##*/}" ] && chown "$3:$4" . && chmod "$2" . )
  else grasp "$1" && chown "$3:$4" it && chmod "$2" it; fi
}
put() {
  if held "${2%/*}"; then privately "${2%/*}" put_here "$@"; return; fi
  t="${2%/*}/.olympus.$$"
  temp "$t"
  install -m "$3" -o "$4" -g "$5" -- "$1" "$t" || { rm -f "$t"; return 1; }
  sync "$t"; mv -T "$t" "$2"
}
put_here() { install -m "$3" -o "$4" -g "$5" -- "$1" new && sync new && mv -T new "../${2##*/}"; }
folder() {
  if held "${1%/*}"; then privately "${1%/*}" folder_here "$@"; return; fi
  if [ ! -d "$1" ]; then mkdir "$1"; fi
  own "$@"
}
folder_here() {
  if [ ! -d "../${1##*/}" ]; then mkdir -m 700 "../${1##*/}" || return 1; fi
  own_here "$@"
}
relink() {
  if held "${2%/*}"; then privately "${2%/*}" relink_here "$@"; return; fi
  temp "$2.olympus.$$"; ln -s "$1" "$2.olympus.$$"; mv -T "$2.olympus.$$" "$2"
}
relink_here() { ln -s "$1" new && mv -T new "../${2##*/}"; }
# copy_out FILE COPY: for a place of ours.
copy_out() {
  if held "${1%/*}"; then privately "${1%/*}" copy_here "$@"; else cp -- "$1" "$2"; fi
}
copy_here() { grasp "$1" && cp it "$2"; }
restore() { # SAVED-AS-ITS-SHA256 FILE MODE OWNER GROUP
  if [ ! -f "$1" ]; then
    # Where mode and owner alone were changed, earlier releases saved no content.
    if printf '%s  %s\n' "${1##*/}" "$2" | sha256sum --status -c 2>/dev/null; then own "$2" "$3" "$4" "$5"; return; fi
    echo "the saved content of $2 is gone: $1"; return 1
  fi
  if [ -d "${2%/*}/" ]; then put "$1" "$2" "$3" "$4" "$5"; else say kept "$2: its directory is gone, saved content in $1"; fi
}
restore_secret() { if [ -f "$1" ]; then restore "$@"; else say kept "$2 as it is: a secret of before is not brought back"; fi; }
take_away() {
  if [ ! -d "${1%/*}/" ]; then return 0; fi
  if ! held "${1%/*}"; then take_here "$1" "$1"; return; fi
  ( if why="$(enter "${1%/*}")"; then enter "${1%/*}" && take_here "./${1##*/}" "$1"; else say kept "$1: $why"; fi )
}
take_here() { # FROM-HERE PATH
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    rmdir --ignore-fail-on-non-empty "$1"
    if [ -d "$1" ]; then say kept "$2 ($(ls -A "$1" | wc -l) entries that are not ours: $(ls -A "$1" | head -n 5 | paste -sd, | sed 's/,/, /g'))"; fi
  else rm -f "$1"; fi
}
take_tree() { if held "${1%/*}"; then ( enter "${1%/*}" && rm -rf "./${1##*/}" ); else rm -rf "$1"; fi; }
check_blob() {
  # Another role's step may have unpacked it already; where it is still needed, its absence shows by itself.
  if [ ! -e "$B/$1" ]; then return 0; fi
  if ! printf '%s  %s\n' "$2" "$B/$1" | sha256sum --status -c; then rm -f "$B/$1"; echo "what arrived is not what was sent ($1): removed, run again"; return 1; fi
}
unpack() {
  if [ -d "$2" ]; then return 0; fi
  t="${2%/*}/.olympus.${2##*/}"; temp "$t"
  rm -rf "$t"; mkdir "$t"; chmod 755 "$t"
  tar -xf "$1" -C "$t" --no-same-owner || { rm -rf "$t"; return 1; }
  sync -f "$t"; mv -T "$t" "$2"; rm -f "$1"
}

# Lines, by whole and exact text. The file is replaced by rename, with its mode and owner.
edit_line() { # FILE AWK-PROGRAM
  if held "${1%/*}"; then privately "${1%/*}" edit_here "$@"; return; fi
  t="${1%/*}/.olympus.$$"
  temp "$t"; rm -f "$t"; edited "$1" "$t" "$2" || { rm -f "$t"; return 1; }
  mv -T "$t" "$1"
}
edit_here() { grasp "$1" && edited it new "$2" && mv -T new "../${1##*/}"; }
edited() { # FILE COPY AWK-PROGRAM
  cp -p "$1" "$2" && awk "$3" "$1" >"$2" || return 1
  # awk ends every line; a last line that had no end keeps having none, unless another is put after it.
  if [ -n "$(tail -c 1 "$1")" ] && [ "${ADDS:-}" != yes ]; then truncate -s -1 "$2"; fi
  sync "$2"
}
# trim FILE LAST: where LAST, which had no end before ours came, is the last line again, it loses its end again.
trim() {
  if [ "$(tail -n 1 "$1"; echo x)" != "$2
x" ]; then return 0; fi
  if held "${1%/*}"; then privately "${1%/*}" trim_here "$1"; else truncate -s -1 "$1"; fi
}
trim_here() { grasp "$1" && truncate -s -1 it; }
add_line() {
  if [ ! -e "$1" ]; then put /dev/null "$1" 0644 root root; fi
  if grep -qxF -e "$2" "$1"; then return 0; fi
  ADDS=yes NEW="$2" edit_line "$1" '{ print } END { print ENVIRON["NEW"] }'
}
swap_line() { OLD="$2" NEW="$3" edit_line "$1" '!done && $0 == ENVIRON["OLD"] { print ENVIRON["NEW"]; done = 1; next } { print }'; }
drop_line() { # FILE LINE [LAST]
  if [ ! -f "$1" ]; then return 0; fi
  OLD="$2" edit_line "$1" '!done && $0 == ENVIRON["OLD"] { done = 1; next } { print }'
  if [ $# = 3 ]; then trim "$1" "$3"; fi
}
