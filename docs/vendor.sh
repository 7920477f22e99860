#!/bin/sh
# Fetch what pages load from npm, once. What this writes is committed: builds need no npm.
set -eu
cd "$(dirname "$0")"
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
(cd "$new" && npm pack --silent katex@0.19.1 uplot@1.6.32 >/dev/null)
rm -rf _static/vendor && mkdir -p _static/vendor/katex/fonts _static/vendor/uplot
mkdir "$new/katex" "$new/uplot"
tar -xzf "$new"/katex-*.tgz -C "$new/katex" --strip-components 1
tar -xzf "$new"/uplot-*.tgz -C "$new/uplot" --strip-components 1
cp "$new/katex/dist/katex.min.css" "$new/katex/LICENSE" _static/vendor/katex
cp "$new"/katex/dist/fonts/*.woff2 _static/vendor/katex/fonts
# Run at build time, not served.
cp "$new/katex/dist/katex.min.js" _ext
# Browsers that know .woff2 want no other fonts.
sed -i 's/,url(fonts\/[^)]*\.woff)[^,;}]*//g; s/,url(fonts\/[^)]*\.ttf)[^,;}]*//g' \
  _static/vendor/katex/katex.min.css
cp "$new/uplot/dist/uPlot.iife.min.js" "$new/uplot/dist/uPlot.min.css" \
  "$new/uplot/LICENSE" _static/vendor/uplot
find _ext/katex.min.js _static/vendor -type f ! -name SHA256SUMS -exec sha256sum {} + |
  LC_ALL=C sort -k2 >"$new/SHA256SUMS"
mv "$new/SHA256SUMS" _static/vendor/SHA256SUMS
