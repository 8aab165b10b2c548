/** On the host: journal, saved files and blobs of interrupted uploads. Survives reboots. */
export const journalFolder = "/var/lib/olympus/journal";

/** On the host, in memory: lock, scripts and secrets of a running apply, output of recent ones. */
export const runFolder = "/run/olympus";

/** The journal's format. Older versions are migrated, newer ones refused. */
export const journalVersion = 1;
