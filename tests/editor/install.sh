#!/usr/bin/env bash
# Installs a real VS Code (code-server, its browser build), headless Chromium and playwright-core into DIR, from the npm
# registry and Debian packages alone.
#
#   install.sh DIR                        as root, for the Debian packages
#   SKIP_APT=1 install.sh DIR             they are there already
#   CODE_SERVER=4.139.1 install.sh DIR    another VS Code; node of the right major comes from npm
#
# Result: DIR/bin/code-server, DIR/bin/node (the node it runs on), DIR/node_modules/playwright-core, and DIR/complete as
# the last thing.
set -euo pipefail

DIR=${1:?usage: install.sh DIR}
CODE_SERVER=${CODE_SERVER:-4.100.3}      # VS Code 1.100.3; the last code-server on npm that wants node 20
RIPGREP=${RIPGREP:-1.18.0}               # first-party rg binaries on npm
PLAYWRIGHT=${PLAYWRIGHT:-1.65.1}
NODE_GYP=${NODE_GYP:-11.5.0}
mkdir -p "$DIR"; DIR=$(cd "$DIR" && pwd)
LOG=$DIR/install-log; mkdir -p "$LOG" "$DIR/bin"
T0=$SECONDS
step() { printf '[%4ds] %s\n' $((SECONDS - T0)) "$*"; }
quiet() { # quiet LOGNAME CMD...: run, show the tail only on failure
  local l=$LOG/$1.log; shift
  "$@" >>"$l" 2>&1 || { echo "failed: $* (see $l)" >&2; tail -30 "$l" >&2; exit 1; }
}
case $(uname -m) in x86_64) ARCH=x64;; aarch64) ARCH=arm64;; *) echo "unsupported: $(uname -m)" >&2; exit 1;; esac

# ---------------------------------------------------------------- 0. Debian packages
if [ -z "${SKIP_APT:-}" ]; then
  step "apt"
  export DEBIAN_FRONTEND=noninteractive
  PKGS="build-essential python3 pkg-config chromium fonts-liberation fonts-dejavu-core"
  quiet apt apt-get update
  quiet apt apt-get install -y --no-install-recommends $PKGS
fi

# ---------------------------------------------------------------- 1. packages
# --ignore-scripts everywhere: code-server's postinstall runs `npm install` in lib/vscode,
# where @vscode/ripgrep 1.15 downloads rg from api.github.com and fails the whole install.
# `npm ci` cannot be used: code-server's own shrinkwraps are not in sync by npm 11's rules.
export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_loglevel=error
cd "$DIR"
[ -f package.json ] || printf '{"name":"vscode-e2e","version":"1.0.0","private":true}\n' >package.json
step "npm: code-server@$CODE_SERVER playwright-core@$PLAYWRIGHT"
quiet npm-1 npm install --ignore-scripts --save-exact --no-package-lock \
  "code-server@$CODE_SERVER" "playwright-core@$PLAYWRIGHT" "node-gyp@$NODE_GYP" \
  "@vscode/ripgrep-linux-$ARCH@$RIPGREP"
CS=$DIR/node_modules/code-server
VS=$CS/lib/vscode

# The node it runs on, with headers: node-gyp would fetch those from nodejs.org. The npm
# package node-linux-$ARCH carries both the binary and include/node.
WANT=$(node -p "require('$CS/package.json').engines.node.match(/\d+/)[0]")
NODE=$(node -p 'require("fs").realpathSync(process.execPath)')
NODEDIR=${NODEDIR:-$(dirname "$(dirname "$NODE")")}
if [ "$(node -p 'process.versions.node.split(".")[0]')" != "$WANT" ] || [ ! -f "$NODEDIR/include/node/node_api.h" ]; then
  step "npm: node-linux-$ARCH@$WANT"
  quiet npm-1 npm install --ignore-scripts --no-package-lock "node-linux-$ARCH@$WANT"
  NODEDIR=$DIR/node_modules/node-linux-$ARCH NODE=$DIR/node_modules/node-linux-$ARCH/bin/node
fi
ln -sfn "$NODE" "$DIR/bin/node"
export PATH=$DIR/bin:$PATH

step "npm: lib/vscode"
(cd "$VS" && quiet npm-2 npm install --ignore-scripts --omit=dev)
step "npm: lib/vscode/extensions"
(cd "$VS/extensions" && quiet npm-3 npm install --ignore-scripts --omit=dev && quiet npm-3 node postinstall.mjs)

# ---------------------------------------------------------------- 2. native modules
# Compiled by node-gyp directly rather than `npm rebuild`: node-pty's own postinstall
# wants `npx node-gyp`, and npm is closing down install scripts. Only what does not
# load as shipped is built (@parcel/watcher, newer argon2 … come prebuilt from npm).
export npm_config_node_gyp=$DIR/node_modules/node-gyp/bin/node-gyp.js
native() { # native FROM MODULE: FROM = directory to resolve it from
  local at; at=$(cd "$1" && node -p "path.dirname(require.resolve('$2/package.json'))" 2>/dev/null) || return 0
  (cd "$1" && node -e "require('$2')") >/dev/null 2>&1 && { step "native: $2 (as shipped)"; return 0; }
  step "native: $2 (build)"
  if node -e "process.exit((require('$at/package.json').dependencies || {})['@mapbox/node-pre-gyp'] ? 0 : 1)"; then
    (cd "$at" && quiet native node "$DIR/node_modules/.bin/node-pre-gyp" rebuild --build-from-source --nodedir="$NODEDIR")
  else
    (cd "$at" && quiet native node "$npm_config_node_gyp" rebuild --nodedir="$NODEDIR" -j "$(nproc)")
  fi
  rm -rf "$at"/build/Release/obj.target "$at"/build-tmp-*
  (cd "$1" && node -e "require('$2')") || { echo "$2 does not load" >&2; exit 1; }
}
native "$CS" argon2
for m in node-pty @vscode/spdlog native-watchdog @vscode/native-watchdog @parcel/watcher @vscode/sqlite3 @vscode/fs-copyfile; do native "$VS" "$m"; done

# ---------------------------------------------------------------- 3. what postinstall.sh would have done
step "links"
if [ -d "$VS/node_modules/@vscode/ripgrep" ] && ! (cd "$VS" && node -e 'require("child_process").execFileSync(require("@vscode/ripgrep").rgPath,["--version"])') >/dev/null 2>&1; then
  mkdir -p "$VS/node_modules/@vscode/ripgrep/bin"
  ln -sfn "$DIR/node_modules/@vscode/ripgrep-linux-$ARCH/bin/rg" "$VS/node_modules/@vscode/ripgrep/bin/rg"
fi
(cd "$VS" && rm -rf node_modules.asar && ln -s node_modules node_modules.asar)
(cd "$VS/bin/remote-cli" && ln -sfn code-linux.sh code-server)
(cd "$VS/bin/helpers" && ln -sfn browser-linux.sh browser.sh)
ln -sfn "$DIR/bin/node" "$CS/lib/node"        # `code-server` in an integrated terminal runs $ROOT/lib/node
cat >"$DIR/bin/code-server" <<SH
#!/bin/sh
exec "$DIR/bin/node" "$CS/out/node/entry.js" "\$@"
SH
chmod +x "$DIR/bin/code-server"

# ---------------------------------------------------------------- 4. prove it
step "check"
(cd "$VS" && node -e '
  const pty = require("node-pty").spawn("sh", ["-c", "echo PTY"], {}); let o = ""; pty.onData(d => o += d);
  let rg; try { rg = require("@vscode/ripgrep"); } catch { rg = require("@vscode/ripgrep-universal"); }
  const { rgPath } = rg; console.log(String(require("child_process").execFileSync(rgPath, ["--version"])).split("\n")[0]);
  pty.onExit(() => { if (!/PTY/.test(o)) process.exit(1); console.log("node-pty ok"); process.exit(0); });')
"$DIR/bin/code-server" --config "$LOG/config.yaml" --user-data-dir "$LOG/ud" --version
[ -n "${SKIP_APT:-}" ] || chromium --no-sandbox --version 2>/dev/null
rm -rf "$LOG/ud"
touch "$DIR/complete"
step "done: $(du -sh "$DIR" | cut -f1) in $DIR"
