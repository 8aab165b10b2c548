#!/bin/bash -p
# What an agent's key may do here: run one declared command with a commit as its last word. sshd calls this with the name of the
# deployment and that command; what the other side asks for is in SSH_ORIGINAL_COMMAND, and is a commit or is refused.
set -euo pipefail
umask 022
export LC_ALL=C
refuse() { echo "refused: $1" >&2; exit 64; }
name=$1
shift
commit=${SSH_ORIGINAL_COMMAND:-}
[[ "$commit" =~ ^[0-9a-f]{40}$ ]] || refuse "the only argument is a commit, 40 hexadecimal digits"
cd /var/lib/olympus-deploy/work
exec 9>"$name.lock"
flock -n 9 || refuse "another one of $name is running"
before=none
if [ -s "$name.commit" ]; then read -r before <"$name.commit"; fi
echo "before: $before"
code=0
# Nothing of what the other side may have sent along reaches it.
env -i HOME="$PWD" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@" "$commit" </dev/null 9>&- || code=$?
if [ "$code" = 0 ]; then echo "$commit" >"$name.commit"; fi
exit "$code"
