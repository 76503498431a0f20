# Fills `root` with the store paths listed in the file `paths`, and defines link_files.
#
# A package of the stand-in may be links into the host. Then what it links to comes along: a
# toolchain or the tools as they are, and for a system folder the small Debian shown as /rootfs.
# shellcheck shell=bash

host_links() { # the targets outside the store
  xargs -a paths -I PATH find PATH -type l -printf '%l\n' | grep -v '^/nix/store/' | sort -u
}

for folder in $(host_links | grep -oE '^/(rust/[a-z]+|tools|usr)/' | sort -u); do
  if [ "$folder" = /usr/ ]; then
    [ -x /rootfs/usr/bin/bash ] || fail "there is no /rootfs; checks/airgap/get-rootfs makes it"
    cp -a /rootfs/. root
  else
    mkdir -p "root$folder"
    tar -C "$folder" --exclude=./share/doc --exclude=./.crates* -cf - . | tar -C "root$folder" -xf -
  fi
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
