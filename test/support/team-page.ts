import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import type { SecretStore } from "../../secrets/store.ts";
import { startTeamDashboard } from "../../src/status/team-server.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { openBrowser, watchPage } from "./browser.ts";

/** Opens the team's page in a browser as `olympus dashboard` gives it, signed in by its link; `row` finds a host by a word of one of its cells. */
export async function onTeamPage(
  { team, secrets }: { readonly team: LoadedTeam; readonly secrets: SecretStore },
  look: (page: Page, row: (host: string, cell: string) => Locator) => Promise<void>,
): Promise<void> {
  const shown = await startTeamDashboard(team, secrets, 0, 500);
  const end = new AbortController();
  const running = shown.run(end.signal).catch(() => undefined);
  const browser = await openBrowser();
  try {
    const link = shown.link();
    const { origin } = new URL(link);
    const context = await browser.newContext({ baseURL: origin });
    context.setDefaultTimeout(120_000);
    const page = await context.newPage();
    const wrong = watchPage(page, () => origin);
    await page.goto(link);
    await page.waitForURL(`${origin}/`);
    await look(page, (host, cell) => page.getByRole("row", { name: new RegExp(`^${host} .*${cell}`) }));
    expect(wrong).toEqual([]);
  } finally {
    await browser.close();
    end.abort();
    await running;
    await shown.close();
  }
}
