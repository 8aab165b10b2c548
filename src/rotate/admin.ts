import { generatePassword } from "../../secrets/generate.ts";
import { loginAsAdmin } from "../bootstrap/admin.ts";
import { adminName, adminPassword as path } from "../bootstrap/admin-account.ts";
import { chatClient, chatError, statusOf, uncut } from "../bootstrap/client.ts";
import { forgetOld, oldValueOf, type RotateContext, type Rotation, replaceValue, rotationError } from "./rotation.ts";

/** The password of the chat's administrator. The chat knows one at a time; commands try both until the new one has proven itself. */
export function adminRotation({ team, secrets, signal, chatUrl: url }: RotateContext): Rotation {
  const told = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      throw chatError(error, url, "change a password");
    }
  };
  const fits = async (password: string): Promise<boolean> => {
    const client = chatClient(url, undefined, signal);
    try {
      await client.login(adminName, password);
    } catch (error) {
      if (statusOf(error) === 401) return false;
      throw error;
    }
    await uncut(client).logout();
    return true;
  };
  return {
    name: path,
    users: ["the chat's administrator"],
    overlap: "commands try both; whoever is logged in as the administrator may have to log in again",
    begun: () => oldValueOf(secrets, path) !== undefined,
    begin: () =>
      told(async () => {
        // One that does not fit any more must not be what is gone back to.
        const { admin } = await loginAsAdmin(url, team, secrets, signal);
        await uncut(admin).logout();
        await replaceValue(secrets, path, generatePassword());
      }),
    deliver: () =>
      told(async () => {
        const password = secrets.require(path).reveal();
        if (await fits(password)) return;
        const { admin } = await loginAsAdmin(url, team, secrets, signal);
        try {
          const { id } = await admin.getMe();
          await admin.updateUserPassword(id, oldValueOf(secrets, path)!, password);
        } finally {
          // The chat ends every other session with the old password, and not the one that changes it.
          await uncut(admin).logout();
        }
      }),
    verify: () =>
      told(async () => {
        if (!(await fits(secrets.require(path).reveal())))
          throw rotationError("the chat refuses the new password", url);
      }),
    finish: () =>
      told(async () => {
        if (await fits(oldValueOf(secrets, path)!)) throw rotationError("the chat still takes the old password", url);
        await forgetOld(secrets, path);
      }),
  };
}
