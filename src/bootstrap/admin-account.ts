export const adminPassword = "mattermost.admin.password";

/** The account that sets the chat up; people have their own. Its password is the secret above. */
export const adminName = "olympus-admin";

/** What the server is given to make it. `domain` is the team's own, which leads nowhere: the account gets no mail. */
export function adminAccount(domain: string, password: string): { username: string; email: string; password: string } {
  return { username: adminName, email: `${adminName}@${domain}`, password };
}
