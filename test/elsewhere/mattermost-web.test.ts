import { expect } from "vitest";
import { itElsewhere } from "../support/elsewhere.ts";

itElsewhere("mattermost-web", "serves its page to a browser", async () => {
  const url = process.env.OLYMPUS_CHAT_URL;
  expect(url, "OLYMPUS_CHAT_URL names a server made from the official download").toBeDefined();
  const response = await fetch(url!, { headers: { accept: "text/html" } });
  expect(response.status).toBe(200);
  expect(await response.text()).toMatch(/<div id=["']root["']/);
});
