/**
 * Whether a link may lead out of the repository, from where it lies. Up goes only its beginning: what follows a name may follow another
 * link, and after that nobody knows where up is.
 */
export function leadsOut(path: string, target: string): boolean {
  if (target.startsWith("/")) return true;
  const parts = target.split("/").filter((part) => part !== "." && part !== "");
  const down = parts.findIndex((part) => part !== "..");
  const up = down === -1 ? parts.length : down;
  return up > path.split("/").length - 1 || parts.includes("..", up);
}
