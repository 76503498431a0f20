# Fills `root` with the store paths listed in the file `paths`, and defines link_files.
#
# A package of the stand-in may be links into the host. Then what it links to comes along: the tools
# as they are, and for the host's programs the small Debian shown as /rootfs, with its libraries at
# the places that its programs want and nothing at /usr/bin.
# shellcheck shell=bash

host_links() { # the targets outside the store, if any
  xargs -a paths -I PATH find PATH -type l -printf '%l\n' | sed -n '\,^/nix/store/,d; /^\//p' |
    sort -u
}
fail() { echo "this machine is not fit: $1" >&2; exit 1; }

needs=$(host_links)
if grep -qE '^/host/' <<<"$needs" || xargs -a paths grep -rlsqI /host/bin; then
  [ -x /rootfs/usr/bin/bash ] || fail "there is no /rootfs; checks/airgap/get-rootfs makes it"
  mkdir -p root/host root/usr root/etc
  cp -a /rootfs/usr/. root/host
  ln -s ../host/lib root/usr/lib
  # Where this machine has a program of its own, the small Debian has Debian's.
  [ -e root/host/local ] || ln -s . root/host/local
  for directory in lib lib64; do
    [ ! -e "root/host/$directory" ] || ln -s "host/$directory" "root/$directory"
  done
fi
for tool in $(grep -oE '^/tools/bin/[a-z-]+' <<<"$needs" | sort -u); do
  mkdir -p root/tools/bin
  cp -a "$tool" root/tools/bin/
done
for directory in llvm valgrind; do
  case $needs in *$directory*) cp -a "/tools/$directory" root/tools/ ;; esac
done
mkdir -p root/nix/store
xargs -a paths -I PATH cp -a PATH root/nix/store/
chmod -R u+w root

link_files() { # PACKAGE
  local file
  (cd "$1" && find . -not -type d) | while read -r file; do
    mkdir -p "root/$(dirname "$file")"
    [ -e "root/$file" ] || ln -sf "$1/${file#./}" "root/$file"
  done
}
