# Changes of who can get in: taken back by a guard, a unit of its own, unless confirmed over a new connection in time.
# In "$R/access-ROLE": asked (the run waits), confirmed (by the client), revert (at once, a step failed), reverting, reverted.
access_seconds=30

guard_access() { # ROLE
  w="$R/access-$1"
  mkdir -p "$w"; cp "$F/revert.sh" "$w/revert.sh"; sh -n "$w/revert.sh"
  systemd-run --quiet --collect --unit="olympus-guard-${R##*/}-$1" -p Type=exec /bin/sh "$w/revert.sh" "$$"
  say guard "$1"
}
# In a step: from now on there may be something to take back.
begun_access() { : >"$R/begun-${F##*/}"; }
confirm_access() { # ROLE
  w="$R/access-$1"
  : >"$w/asked"; say ask "$1"
  tries=0
  # What is confirmed while it is taken back was let in by that.
  until [ -e "$w/confirmed" ] && [ ! -e "$w/reverting" ]; do
    if [ -e "$w/reverted" ]; then return 77; fi
    tries=$((tries + 1))
    if [ "$tries" -gt 1500 ]; then echo "the guard is gone"; return 1; fi
    sleep 0.2
  done
}
# A step failed: what is guarded and not confirmed goes back now.
revert_access() {
  for w in "$R"/access-*; do
    if [ ! -d "$w" ] || [ -e "$w/confirmed" ]; then continue; fi
    : >"$w/revert"; tries=0
    until [ -e "$w/reverted" ] || [ "$tries" -gt 600 ]; do tries=$((tries + 1)); sleep 0.2; done
  done
}
# Who begins a run got in: older guards may end.
release_guards() {
  for w in /run/olympus/runs/*/access-*; do if [ -d "$w" ] && [ "${w%/*}" != "$R" ]; then : >"$w/confirmed"; fi; done
}

# In the guard's own unit. guard ROLE: ends it when confirmed, returns when it is time to take things back.
guard() {
  w="$R/access-$1"; left=$access_seconds; most=600
  while [ ! -e "$w/revert" ]; do
    if [ -e "$w/confirmed" ]; then exit 0; fi
    # Also for a run that was killed, and for one that hangs in the middle.
    if [ -e "$w/asked" ] || ! kill -0 "$run_pid" 2>/dev/null; then left=$((left - 1)); else most=$((most - 1)); fi
    if [ "$left" -lt 0 ] || [ "$most" -lt 0 ]; then break; fi
    sleep 1
  done
  : >"$w/reverting"
  if [ -e "$w/confirmed" ]; then rm "$w/reverting"; exit 0; fi
  if [ "$most" -lt 0 ]; then systemctl stop "olympus-apply-${R##*/}.service"; fi
  # Plans made from what was there so far are no longer true.
  printf 'reverted-%s\n' "${R##*/}" >"$J/generation"
}
reverted() { : >"$R/access-$1/reverted"; }
