# What nixpkgs' setup.sh does for a build: the shell's options, the time zone, and PATH and the
# linker's paths from inputs alone. Every builder of the stand-in begins with it, and `nix develop`.
# shellcheck shell=bash
set -euo pipefail
shopt -s inherit_errexit nullglob

export TZ=UTC
PATH=
for input in ${nativeBuildInputs-} ${initialPath-}; do
  [ ! -d "$input/bin" ] || PATH+=${PATH:+:}$input/bin
done
export PATH

# As the hook of nixpkgs' binutils does, which the compiler then puts before libc's own directory.
NIX_LDFLAGS=
for input in ${buildInputs-}; do
  [ ! -d "$input/lib" ] || NIX_LDFLAGS+=" -L$input/lib"
done
export NIX_LDFLAGS

# Disable nounset, as there, for phases and for `nix develop`.
set +u
