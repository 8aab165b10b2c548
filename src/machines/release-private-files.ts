import { releasePrivateFiles } from "./private-files.ts";

/** `release-private-files.ts <pid> <folder>`: the end of `releaseWhenGone`, in a process that outlives the program. */
const [, , user, folder] = process.argv;
releasePrivateFiles(folder!, Number(user));
