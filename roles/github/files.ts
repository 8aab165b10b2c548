import { Secret } from "../../src/base/secret.ts";

/** Where everything of the role lies in the login's home; git and gh look below ~/.config themselves. */
export const gitFile = (home: string): string => `${home}/.config/olympus/git`;
export const signingKey = (home: string): string => `${home}/.config/olympus/signing`;
export const hostsFile = (home: string): string => `${home}/.config/gh/hosts.yml`;
export const preferences = (home: string): string => `${home}/.config/gh/config.yml`;

/** Who may sign, for everybody on the machine. */
export const signersFile = "/etc/olympus/allowed-signers";

export interface Identity {
  readonly name: string;
  readonly email: string;
}

/** A value as git reads it in quotes. */
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;

/** git's settings; ~/.gitconfig wins. The token goes from gh to git over a pipe, when git asks for it. */
export function gitSettings({ name, email }: Identity, home: string): string {
  return `# Written by the role github.
[user]
	name = ${quoted(name)}
	email = ${quoted(email)}
	signingKey = ${signingKey(home)}
	useConfigOnly = true
[gpg]
	format = ssh
[gpg "ssh"]
	allowedSignersFile = ${signersFile}
[commit]
	gpgSign = true
[tag]
	gpgSign = true
[credential "https://github.com"]
	helper =
	helper = !gh auth git-credential
[url "https://github.com/"]
	insteadOf = git@github.com:
	insteadOf = ssh://git@github.com/
[init]
	defaultBranch = main
[pull]
	ff = only
[push]
	autoSetupRemote = true
[fetch]
	prune = true
[transfer]
	fsckObjects = true
`;
}

/** gh's own file: old versions read `oauth_token`, newer ones `users` and write nothing when they find both as they would. */
export function ghHosts(login: string, token: Secret): Secret {
  const value = JSON.stringify(token.reveal().trim());
  return new Secret(
    token.name,
    `github.com:
    git_protocol: https
    users:
        ${login}:
            oauth_token: ${value}
    user: ${login}
    oauth_token: ${value}
`,
  );
}

/**
 * Puts the settings before everything in the login's own ~/.gitconfig, so that what people write there wins. Not in /etc/gitconfig: a
 * path with ~ there breaks git for processes without a home. Done by the login itself: its home is its own, links in it included.
 */
export function includeScripts(home: string, user: string): { check: string; apply: string; undo: string } {
  const file = `${home}/.gitconfig`;
  return {
    check: `grep -qsF 'path = ~/.config/olympus/git' ${file}`,
    apply: `runuser -u ${user} -- sh -euc 'umask 022
printf "[include]\\n\\tpath = ~/.config/olympus/git\\n" >${file}.new
if [ -e ${file} ]; then cat ${file} >>${file}.new; chmod --reference=${file} ${file}.new; fi
if [ -L ${file} ]; then cat ${file}.new >${file}; rm ${file}.new; else mv ${file}.new ${file}; fi'`,
    undo: `if [ -f ${file} ]; then
  runuser -u ${user} -- sed -i --follow-symlinks '/^\\[include\\]$/{N;/\\n\\tpath = ~\\/.config\\/olympus\\/git$/d}' ${file}
  if [ ! -s ${file} ]; then rm ${file}; fi
fi`,
  };
}
