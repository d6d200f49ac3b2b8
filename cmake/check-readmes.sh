#!/bin/sh
# Every folder with files of its own has a README that says what lives there; folders of data, and those that mirror
# the product's below tests/unit/, have none.
#
#     sh cmake/check-readmes.sh [ROOT]        exit 1 and one line FOLDER for each without
set -eu
export LC_ALL=C
cd "${1:-.}"
missing=$(find . -type f \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.sh' -o -name '*.py' -o -name '*.md' -o -name '*.cmake' \) \
    -not -path './build*/*' -not -path './.*' -not -path './tests/unit/*/*' |
    sed 's|/[^/]*$||' | sort -u | while read -r folder; do [ -f "$folder/README.md" ] || echo "$folder"; done)
[ -z "$missing" ] || { echo "$missing" | sed 's|^\./||; s|$|: no README.md says what lives here|'; exit 1; }
