/** Where people see what a forge has, by the root of its API, without a trailing slash: GitHub and its servers have both beside one another. */
export function pagesOf(api: string): string {
  return api
    .replace(/\/+$/, "")
    .replace(/\/api\/v3$/, "")
    .replace("://api.", "://");
}
