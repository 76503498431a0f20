# The Rust toolchains, the compiler of C and libc. What is linked against them may keep their paths,
# so the toolchains and the static libraries are copies in the store.
{
  lib,
  plain,
  bash,
  system,
}:
let
  architecture = builtins.head (lib.splitString "-" system);
  libraries = "/host/lib/${architecture}-linux-gnu";

  # rustc takes std's source lines from `rust-src`, and std's paths in what it compiles are then
  # those of the store: the file that it looks for is enough for that.
  toolchain =
    channel: version:
    let
      make =
        {
          extensions ? [ ],
          targets ? [ ],
          targetExtensions ? [ ],
        }:
        plain "rust-${channel}" ''
          found=$(/rust/${channel}/bin/rustc --version)
          [ "$found" = "rustc ${version}" ] || fail "${channel} is $found, not ${version}"
          for target in ${toString targets}; do
            [ -d /rust/${channel}/lib/rustlib/$target ] || fail "${channel} has no std for $target"
          done
          mkdir -p $out
          cd /rust/${channel}
          tar --exclude=./share --exclude=./lib/rustlib/src --exclude=./complete -cf - . |
            tar -C $out -xf -
          ${lib.optionalString (lib.elem "rust-src" (extensions ++ targetExtensions)) ''
            std=$out/lib/rustlib/src/rust/library/std/src
            mkdir -p $std
            echo '// Stands in for the sources of std.' >$std/lib.rs
          ''}
        '';
    in
    make { } // { override = make; };

  # The host's compiler, with the order of directories that nixpkgs' wrapper gives: those of inputs
  # before libc's own, and that before LIBRARY_PATH.
  cc = plain "cc" ''
    [ -x /host/bin/gcc ] || fail "there is no gcc"
    mkdir -p $out/bin
    {
      echo '#!${bash}/bin/bash'
      echo 'exec /host/bin/gcc -B/host/bin/ -idirafter /host/include \'
      echo '  -idirafter /host/include/${architecture}-linux-gnu "$@" $NIX_LDFLAGS -L${libraries}'
    } >$out/bin/cc
    chmod +x $out/bin/cc
    ln -s cc $out/bin/gcc
    for program in ar as ld nm objcopy ranlib strip; do
      ln -s /host/bin/$program $out/bin/$program
    done
  '';
  glibc = plain "glibc" ''
    mkdir -p $out/lib
    ln -s ${libraries}/libc.so $out/lib/
  '';
  # Static libc has paths of glibc itself in it; here that is one object which every link keeps.
  glibcStatic = plain "glibc-static" ''
    [ -e /static/libc.a ] || fail "there is no static libc"
    mkdir -p $out/lib
    for library in c m mvec m-* pthread dl rt util resolv anl crypt; do
      for file in /static/lib$library.a; do
        [ ! -e $file ] || cp $file $out/lib/
      done
    done
    sed -i "s,/usr/lib/${architecture}-linux-gnu,$out/lib,g" $out/lib/libm.a
    printf '%s\n' '__attribute__((used, retain)) static const char prefix[] =' \
      '  "${glibc}/lib/locale";' >prefix.c
    ${cc}/bin/cc -O2 -fPIC -c prefix.c
    ar x $out/lib/libc.a libc-start.o
    ld -r libc-start.o prefix.o -o merged.o
    mv merged.o libc-start.o
    chmod u+w $out/lib/libc.a
    ar r $out/lib/libc.a libc-start.o
  '';
in
{
  inherit cc;
  glibc = glibc // {
    static = glibcStatic;
  };
  rust-bin = {
    stable."1.95.0".minimal = toolchain "stable" "1.95.0 (59807616e 2026-04-14)";
    nightly."2026-05-20".minimal = toolchain "nightly" "1.97.0-nightly (e50aa6fba 2026-05-19)";
  };
}
