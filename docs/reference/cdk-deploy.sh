#!/bin/bash
# A deployment with the AWS CDK, as policy.gates.deploy of the team file names it: put it on the host, owned by root, 0755.
# Called by the role deploy's door as `olympus-deploy`, in its own folder, with the commit as the last word:
#   command: /usr/local/lib/deploy/cdk-deploy.sh https://github.com/olympus/shop.git ShopStack
# The way back is the same command with the commit of before. Credentials of AWS are this host's (an instance profile, or ~/.aws of
# olympus-deploy, in /var/lib/olympus-deploy/work); no agent ever has them.
set -euo pipefail
[ $# = 3 ] || { echo "usage: cdk-deploy.sh REPOSITORY STACK COMMIT" >&2; exit 64; }
repository=$1 stack=$2 commit=$3
[[ "$commit" =~ ^[0-9a-f]{40}$ ]] || { echo "not a commit: $commit" >&2; exit 64; }
checkout=$PWD/$stack
if [ ! -d "$checkout/.git" ]; then git clone -q "$repository" "$checkout"; fi
cd "$checkout"
git fetch -q origin main
# Only what people merged: whatever was asked for, nothing else than a commit of main is ever run here.
git merge-base --is-ancestor "$commit" origin/main || { echo "$commit is not on main" >&2; exit 65; }
git checkout -q --force --detach "$commit"
git clean -q -ffdx --exclude=node_modules
npm ci --no-audit --no-fund
exec npx --no-install cdk deploy "$stack" --require-approval never --progress events --ci
