// Names that roles claim things by where one operation or one entry of the journal speaks of several.

/** A Debian package's being there. */
export const packageClaim = (name: string): string => `package:${name}`;

/** A package's staying at its version. */
export const holdClaim = (name: string): string => `hold:${name}`;

/** A user's being in a group. */
export const userGroupClaim = (name: string, group: string): string => `user-groups:${name}:${group}`;
