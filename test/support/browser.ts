/** Debian's Chromium, and what every page of ours must keep in it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function openBrowser(): Promise<Browser> {
  const args = ["--no-sandbox", "--disable-gpu"];
  return chromium.launch({ executablePath: "/usr/bin/chromium", args, timeout: 120_000 });
}

/** What must stay empty: messages in the console, dialogs, and requests that went elsewhere than to `origin`. */
export function watchPage(page: Page, origin: () => string): string[] {
  const wrong: string[] = [];
  page.on("console", (message) => wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("dialog", (dialog) => wrong.push(`dialog ${dialog.message()}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(origin())) wrong.push(request.url());
  });
  return wrong;
}

/** Shows each path on a desktop in the light and on a phone in the dark: nothing violates axe's rules, nothing is wider than the screen. */
export async function expectSound(page: Page, paths: readonly string[]): Promise<void> {
  for (const [colorScheme, width] of [
    ["light", 1280],
    ["dark", 375],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    for (const path of paths) {
      await page.goto(path);
      await page.evaluate(axe);
      const found = await page.evaluate(async () => {
        const { violations } = await (
          globalThis as unknown as {
            axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
          }
        ).axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
      });
      expect([path, colorScheme, found]).toEqual([path, colorScheme, []]);
      const wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect([path, width, wide]).toEqual([path, width, 0]);
    }
  }
}
