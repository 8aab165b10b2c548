import type { Operation } from "../../src/converge/operations.ts";

const data = "/var/lib/docker";
const aside = `${data}.olympus`;
const before = "/var/lib/olympus/docker-before";

/** First of all, so that it is undone last: what the kernel had before Docker changed it, and the data's way back to its place. */
export const beforePackages: Operation = {
  kind: "command",
  id: "before",
  summary: "note how the host forwards packets",
  check: `[ -s ${before} ] && [ ! -d ${aside} ]`,
  apply: `if [ -d ${aside} ]; then
  # Left there by a reset that was cut off: Docker is to find it, and not begin without.
  if [ -d ${data} ] && ! rmdir ${data} 2>/dev/null; then echo "there is data of Docker in ${data} and, from a reset that was cut off, in ${aside}: move one of them away"; exit 1; fi
  mv -T ${aside} ${data}
fi
if [ -s ${before} ]; then exit 0; fi
policy=ACCEPT
if command -v iptables >/dev/null; then
  policy="$(iptables -w -S FORWARD | sed -n 's/^-P FORWARD //p')"
  # Docker's own, where it is here already: the note of before got lost.
  if iptables -w -S DOCKER >/dev/null 2>&1; then policy=ACCEPT; fi
fi
printf '%s %s\\n' "$(cat /proc/sys/net/ipv4/ip_forward)" "$policy" | note ${before}`,
  undo: `if [ -d ${aside} ]; then rm -rf ${data}; mv -T ${aside} ${data}; fi
rm -f ${before}`,
};

/**
 * After the packages, so that it is undone before they go: Docker's package deletes images and volumes when it is purged, and
 * neither it nor the daemon takes back networks and rules in the kernel. A reset that was cut off begins anew: with any of it gone.
 */
export const beforeRemoval: Operation = {
  kind: "command",
  id: "leftovers",
  summary: "Docker runs",
  check: "systemctl -q is-active docker.service",
  apply: "systemctl enable --now docker.service",
  undo: `if systemctl -q is-active docker.service; then
  running="$(docker ps -q)"
  if [ -n "$running" ]; then docker stop $running; fi
fi
for unit in docker.socket docker.service containerd.service; do
  if have_unit $unit; then systemctl stop $unit; fi
done
for bridge in docker0 $(ls /sys/class/net | grep -x 'br-[0-9a-f]\\{12\\}'); do
  if [ -d "/sys/class/net/$bridge" ]; then ip link delete "$bridge"; fi
done
forward=1 policy=ACCEPT
if [ -s ${before} ]; then read -r forward policy <${before}; fi
for family in iptables ip6tables; do
  if command -v $family-save >/dev/null; then
    $family-save | grep -Ev 'DOCKER|docker0|br-[0-9a-f]{12}' | sed "s/^:FORWARD [A-Z]*/:FORWARD $policy/" | $family-restore -w
  fi
done
# Tables that iptables made and that hold nothing: for it they are as good as none.
for table in 'ip filter' 'ip nat' 'ip6 filter' 'ip6 nat'; do
  if text="$(nft list table $table 2>/dev/null)" && ! printf '%s\\n' "$text" | grep -Evq '^(table .*|\\s*chain .*|\\s*type .* policy accept;|\\s*}|)$'; then nft delete table $table; fi
done
if [ "$(cat /proc/sys/net/ipv4/ip_forward)" != "$forward" ]; then echo "$forward" >/proc/sys/net/ipv4/ip_forward; fi
rm -f /etc/docker/key.json
if [ -d ${data} ] && [ ! -d ${aside} ]; then mv -T ${data} ${aside}; fi`,
};
