/** A libvirt pool over a folder. Reset forgets the pool; its volumes are data and stay. */
export function poolScripts(name: string, path: string): { check: string; apply: string; undo: string } {
  // Only a pool that was made here is forgotten by a reset.
  const made = `/var/lib/olympus/made-pool-${name}`;
  const virsh = "LC_ALL=C virsh -q -c qemu:///system";
  // Lists of names come padded; this does not.
  const is = (field: string, value: string): string => `${virsh} pool-info ${name} | grep -q '^${field}: *${value}$'`;
  return {
    check: `${is("State", "running")}
${is("Autostart", "yes")}
${virsh} pool-dumpxml ${name} | grep -qF "<path>${path}</path>"`,
    apply: `if ${virsh} pool-info ${name} >/dev/null 2>&1; then
  if ! ${virsh} pool-dumpxml ${name} | grep -qF "<path>${path}</path>"; then echo "pool ${name} is there with another folder: name another pool, or that folder as poolPath"; exit 1; fi
else
  note ${made} </dev/null
  ${virsh} pool-define-as ${name} dir --target ${path}
fi
if ! ${is("State", "running")}; then ${virsh} pool-start ${name}; fi
${virsh} pool-autostart ${name}`,
    undo: `if [ ! -e ${made} ]; then exit 0; fi
if ${virsh} pool-info ${name} >/dev/null 2>&1; then
  if ${is("State", "running")}; then ${virsh} pool-destroy ${name}; fi
  ${virsh} pool-undefine ${name}
fi
rm -f ${made}`,
  };
}
