/** Found by login shells; what people install for themselves comes after the machine's own programs. */
export const profile = `# Written by the role dev-env.
for dir in "$HOME/.local/bin" "$HOME/go/bin" "$HOME/.cargo/bin"; do
  case ":$PATH:" in
    *":$dir:"*) ;;
    *) PATH="$PATH:$dir" ;;
  esac
done
unset dir
export PATH
# npm install --global goes into one's own home, and the machine's certificate authorities hold for Node too.
export NPM_CONFIG_PREFIX="$HOME/.local"
export NODE_EXTRA_CA_CERTS="\${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}"
`;

/** Read by Neovim before a person's own settings, which win. */
export const neovimSettings = `" Written by the role dev-env; ~/.config/nvim/init.vim or init.lua wins.
set number
set expandtab shiftwidth=2 softtabstop=2
set ignorecase smartcase
set undofile
set scrolloff=4
set splitright splitbelow
autocmd FileType go,make setlocal noexpandtab shiftwidth=8 softtabstop=0
autocmd FileType python,rust setlocal shiftwidth=4 softtabstop=4
`;

export const promptFile = "/etc/olympus/prompt.bash";

/** In /etc/bash.bashrc. ~/.bashrc sets PS1 after that, so the prompt is made before each command line; unsetting PROMPT_COMMAND ends it. */
export const promptLine = `[ ! -r ${promptFile} ] || . ${promptFile}`;

/** git's own function puts the branch in by name, so that no branch's name is run as a command. */
export const gitPrompt = `# Written by the role dev-env: user@host:folder (branch *) exit-code $
GIT_PS1_SHOWDIRTYSTATE=1
. /usr/lib/git-core/git-sh-prompt
olympus_prompt() {
  local code=$? failed=
  if [ "$code" != 0 ]; then failed=" \\[\\e[31m\\]$code\\[\\e[0m\\]"; fi
  __git_ps1 '\\[\\e[32m\\]\\u@\\h\\[\\e[0m\\]:\\[\\e[34m\\]\\w\\[\\e[0m\\]' "$failed \\\\\\$ " ' (%s)'
}
PROMPT_COMMAND=olympus_prompt
`;

export const starshipPrompt = `# Written by the role dev-env.
export STARSHIP_CONFIG="\${STARSHIP_CONFIG:-/etc/olympus/starship.toml}"
eval "$(/usr/local/bin/starship init bash)"
`;

export const starshipSettings = `# Written by the role dev-env; STARSHIP_CONFIG names another one.
add_newline = false
format = "$username$hostname$directory$git_branch$git_status$character"

[username]
show_always = true
format = "[$user]($style)@"

[hostname]
ssh_only = false
format = "[$hostname]($style):"
`;
