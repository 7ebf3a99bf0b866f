#!/bin/sh
# Builds the sample project, a tiny web site: each page in pages/ becomes a file in out/ between the theme's header and
# footer. Needs nothing but busybox.
set -eu

title=$(cat title)
# A file that is looked for and not there matters as much as one that is read: casview lists it as absent.
[ ! -e title.local ] || title=$(cat title.local)

mkdir -p out/pages
for page in pages/*.txt; do
    name=$(basename "$page" .txt)
    { cat theme/header.html; cat "$page"; cat theme/footer.html; } | sed "s|@TITLE@|$title|g" > "out/pages/$name.html"
done
ln out/pages/welcome.html out/index.html
ln -s pages out/latest
(cd out && sha256sum index.html pages/*.html) > out/SUMS
chmod 0640 out/SUMS
set -- out/pages/*.html
echo "built $# pages"
