# Functions of an apply for what the system keeps in order; sourced after prelude.sh. Journals of hosts name those that undo: keep them.

# Blocks: lines between two marks in a text file that others own too.
edit_block() { # FILE FROM TO [BODY-FILE]
  FROM="$2" TO="$3" BODY="${4:-}" edit_line "$1" '
    function body(  text) {
      done = 1
      if (ENVIRON["BODY"] == "") return
      print ENVIRON["FROM"]
      while ((getline text < ENVIRON["BODY"]) > 0) print text
      print ENVIRON["TO"]
    }
    $0 == ENVIRON["FROM"] { inside = 1; if (!done) body(); next }
    inside { if ($0 == ENVIRON["TO"]) inside = 0; next }
    { print }
    END { if (!done) body() }'
}
add_block() { # FILE FROM TO BODY-FILE
  if [ ! -e "$1" ]; then put /dev/null "$1" 0644 root root; fi
  ADDS=yes edit_block "$@"
}
drop_block() { # FILE FROM TO [LAST]
  if [ ! -f "$1" ] || ! grep -qxF -e "$2" "$1"; then return 0; fi
  edit_block "$1" "$2" "$3"
  if [ $# = 4 ]; then trim "$1" "$4"; fi
}
restore_block() { # FILE FROM TO TEXT
  if [ ! -f "$1" ]; then return 0; fi
  printf '%s' "$4" >"$R/block"
  if grep -qxF -e "$2" "$1"; then edit_block "$1" "$2" "$3" "$R/block"; else add_block "$1" "$2" "$3" "$R/block"; fi
}

drop_empty() { if [ -s "$1" ]; then say kept "$1 (others wrote to it)"; else take_away "$1"; fi; }

# validate SCRIPT FILE: what must find a file right before it goes live. SCRIPT has it as $1.
validate() {
  if ! sh -eu -c "$1" validate "$2"; then echo "its own check refuses it: nothing was changed"; return 1; fi
}

# Kernel settings.
sysctl_path() { printf '/proc/sys/%s' "$(printf %s "$1" | tr ./ /.)"; }
set_sysctl() { # NAME VALUE
  if [ ! -e "$(sysctl_path "$1")" ]; then echo "this kernel has no setting $1"; return 1; fi
  printf '%s\n' "$2" >"$(sysctl_path "$1")" || { echo "the kernel refuses $1 = $2"; return 1; }
}
restore_sysctl() { if [ -w "$(sysctl_path "$1")" ]; then set_sysctl "$1" "$2"; fi; }

# Mounts.
mount_now() { if [ ! -d "$1" ]; then mkdir -p "$1"; fi; reload_wanted; reload; mount "$1"; }
mount_anew() { reload_wanted; reload; umount "$1"; mount "$1"; }
mount_again() { reload_wanted; reload; if mountpoint -q "$1"; then mount -o remount "$1"; fi; }
unmount() {
  reload_wanted
  if mountpoint -q "$1"; then umount "$1" || { echo "$1 is in use by: $(fuser -m "$1" 2>/dev/null)"; return 1; }; fi
}

# Packages at a version, and packages that stay at theirs.
to_versions() { apt_get install --no-install-recommends --allow-downgrades --allow-change-held-packages "$@"; }
change_versions() { if ! to_versions "$@"; then refresh_apt; to_versions "$@"; fi; }
hold_packages() { apt-mark hold "$@" >/dev/null; }
drop_hold() { for p in "$@"; do if dpkg-query -W "$p" >/dev/null 2>&1; then apt-mark unhold "$p" >/dev/null; fi; done; }
drop_version() { # NAME VERSION-BEFORE
  if [ "$(dpkg-query -W -f '${Version}' "$1" 2>/dev/null)" = "$2" ]; then return 0; fi
  to_versions "$1=$2" || say kept "$1 in the version of now: no source has $2 any more"
}

# Units of others whose settings go.
drop_settings() { # UNIT...
  reload_wanted
  for u in "$@"; do if systemctl -q is-active "$u"; then notify "$u"; fi; done
}
