import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeAuthority, makeServerCertificate } from "../../secrets/authority.ts";
import type { SecretStore } from "../../secrets/store.ts";
import { silentReporter } from "../../src/base/report.ts";
import { Secret } from "../../src/base/secret.ts";
import { listHosts } from "../../src/team/hosts.ts";
import type { LoadedTeam } from "../../src/team/model.ts";
import { labTeam } from "../../test/support/team.ts";
import { chatTls, tlsCredential, tlsOperations } from "./tls.ts";

let team: LoadedTeam;
let secrets: SecretStore;
let folder = "";
const warned: string[] = [];
beforeAll(async () => {
  ({ team, secrets, folder } = await labTeam());
});
afterAll(() => rmSync(folder, { recursive: true }));

const contextOf = (of: LoadedTeam = team) => ({
  team: of,
  host: listHosts(of).find(({ name }) => name === "agora")!,
  secrets,
  reporter: { ...silentReporter(), warn: (line: string) => void warned.push(line) },
});
const real = (): LoadedTeam => ({ ...team, team: { ...team.team, lab: undefined } });

test("a given certificate is taken with the key among the secrets, which reaches the unit as a credential alone", async () => {
  const given = makeServerCertificate(makeAuthority("elsewhere"), ["10.220.1.20"], ["chat.example"]);
  const choose = () => chatTls({ certificate: given.certificate }, "https://chat.example", contextOf());
  await expect(choose()).rejects.toMatchObject({
    code: "E-SECRET-MISSING",
    hint: "npx olympus secrets set tls.chat.key",
  });
  secrets.set("tls.chat.key", given.key);
  const tls = (await choose())!;
  expect([tls.certificate, tls.key.reveal(), tls.name]).toEqual([given.certificate, given.key, "chat.example"]);
  // Nothing was made by the team's own authority beside it.
  expect(secrets.paths().filter((path) => path.startsWith("tls."))).toEqual(["tls.chat.key"]);
  const operations = tlsOperations(tls, ["mattermost.service"]);
  expect(operations).toMatchObject([
    { kind: "package" },
    { path: "/etc/olympus/mattermost.crt", content: `${given.certificate.trimEnd()}\n` },
    { mode: "0600", content: expect.any(Secret) as Secret },
  ]);
  expect(JSON.stringify(operations)).not.toContain("PRIVATE KEY");
  expect(tlsCredential).toContain((operations[2] as { path: string }).path);
});

test("plain HTTP is warned of, but in the lab and behind a proxy that speaks TLS", async () => {
  expect(await chatTls("off", undefined, contextOf())).toBeUndefined();
  expect(await chatTls("off", "https://chat.example", contextOf(real()))).toBeUndefined();
  expect(warned).toEqual([]);
  expect(await chatTls("off", undefined, contextOf(real()))).toBeUndefined();
  expect(await chatTls("off", "http://chat.example", contextOf(real()))).toBeUndefined();
  const warning = expect.stringMatching(/^agora: the chat speaks plain HTTP: .*tls: team-ca/) as string;
  expect(warned).toEqual([warning, warning]);
});
