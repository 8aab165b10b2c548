/**
 * Which of these addresses' servers answer at all, decided once for a run: behind a closed network every further attempt
 * would cost its own timeout. Any HTTP answer counts. Must not throw.
 */
export async function reachableHosts(
  urls: readonly string[],
  signal: AbortSignal,
  timeout: number = 5000,
): Promise<ReadonlySet<string>> {
  const byHost = new Map(urls.map((url) => [new URL(url).host, url]));
  const answers = await Promise.all(
    [...byHost].map(async ([host, url]) => {
      try {
        const limited = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
        await fetch(url, { method: "HEAD", redirect: "manual", signal: limited });
        return [host];
      } catch {
        // Not reached, for whatever reason: the caller builds instead, and says so.
        return [];
      }
    }),
  );
  return new Set(answers.flat());
}
