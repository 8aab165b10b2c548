#!/bin/bash
# What the key of a host may do where its backups are kept: add, list and read its own. Nothing overwrites, nothing deletes.
# Called by sshd with the host's name; the request is in SSH_ORIGINAL_COMMAND.
set -euo pipefail
umask 077
folder=/srv/olympus/backups/$1
cd "$folder"
read -r verb name sum rest <<<"${SSH_ORIGINAL_COMMAND:-}"
refuse() { echo "refused: $1" >&2; exit 64; }
pattern='^[0-9]{8}T[0-9]{6}Z\.tar\.age$'
[ -z "${rest:-}" ] || refuse "too many words"
if [ "$verb" != list ]; then [[ "${name:-}" =~ $pattern ]] || refuse "no name of a backup"; fi
case "$verb" in
  # Under a name of its own until the sender has said what should have arrived.
  put)
    [ ! -e "$name" ] || refuse "$name is there already"
    find . -maxdepth 1 -name '*.part' -mmin +1440 -delete
    cat >"$name.part"
    ;;
  commit)
    [ ! -e "$name" ] || refuse "$name is there already"
    got=$(sha256sum <"$name.part")
    if [ "${got%% *}" != "${sum:-}" ]; then rm -f "$name.part"; refuse "what arrived is not what was sent"; fi
    sync "$name.part"
    mv -n "$name.part" "$name"
    # By this host's clock, and never the newest three, whatever the sender does.
    read -r days <"$folder.days"
    ls -1 | grep -E "$pattern" | sort -r | tail -n +4 | while read -r old; do
      if [ -n "$(find "$old" -mtime "+$days")" ]; then rm -f "$old"; fi
    done
    ;;
  list) find . -maxdepth 1 -type f -name '*.tar.age' -printf '%f %s\n' | sort ;;
  get) exec cat "$name" ;;
  *) refuse "put, commit, list or get" ;;
esac
