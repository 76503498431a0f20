# A linked file is edited and renamed, and its link is still found.
git init --quiet -b main .
echo 'parse()' >parser.c && echo '# Grammar' >grammar.md
git add . && git commit --quiet --message 'A parser and its grammar'
git mind hooks install
# Shown:
git mind link parser.c grammar.md --type implements
echo 'parse(deeper)' >parser.c && git commit --quiet --all --message 'Parse deeper'
git mv parser.c reader.c && git commit --quiet --message 'The parser is a reader'
git mind cache-rebuild | head -n 1
git mind query reader.c
