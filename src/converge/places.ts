/** On the host: journal, saved files and blobs of interrupted uploads. Survives reboots. */
export const journalFolder = "/var/lib/olympus/journal";

/** On the host, in memory: lock, scripts and secrets of a running apply, output of recent ones. */
export const runFolder = "/run/olympus";

/** The format of journal, claims and history. Older ones are migrated when read, newer ones refused whatever is asked for. */
export const journalVersion = 2;

/** There from a boot on at which the seed had been applied before, so that cloud-init stayed away. */
export const seedApplied = "/run/olympus-seed-applied";
