#!/usr/bin/env bash
# The tests of the live page need Chromium: says so where it is missing and cannot be installed from here.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo 'installing Chromium for the tests of the live page'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
  echo 'the tests of the live page need Chromium: apt-get install chromium' >&2
  exit 1
fi
