# The packages made of what the sandbox shows of the host: its programs under /host, its libc's static
# libraries under /static, the toolchains under /rust and the tools under /tools.
#
# Each is checked when it is "built", so a missing one fails by its name. The toolchains and the
# static libraries are copied into the store, since what is linked against them may keep their paths.
{ lib, system }:
let
  architecture = builtins.head (lib.splitString "-" system);
  plain =
    name: script:
    derivation {
      inherit name system;
      builder = "/bin/sh";
      args = [
        "-ec"
        ''
          PATH=/host/bin
          fail() { echo "this machine is not fit: $1" >&2; exit 1; }
          ${script}
        ''
      ];
    };
  # Links to programs, each of which must be there.
  links =
    name: programs:
    plain name ''
      mkdir -p $out/bin
      for program in ${toString programs}; do
        found=
        for directory in /host/local/bin /host/bin /host/sbin; do
          [ -n "$found" ] || [ ! -x $directory/$program ] || found=$directory/$program
        done
        [ -n "$found" ] || fail "there is no $program"
        ln -s $found $out/bin/$program
      done
    '';
  tool =
    name: program:
    plain name ''
      [ -x /tools/bin/${program} ] || fail "there is no /tools/bin/${program}"
      mkdir -p $out/bin
      ln -s /tools/bin/${program} $out/bin/${program}
    '';
  script =
    name: text:
    plain name ''
      mkdir -p $out/bin
      printf '#!%s/bin/bash\n%s\n' ${bash} ${lib.escapeShellArgs [ text ]} >$out/bin/${name}
      chmod +x $out/bin/${name}
    '';

  bash = plain "bash" ''
    [ -x /host/bin/bash ] || fail "there is no bash"
    mkdir -p $out/bin
    ln -s /host/bin/bash $out/bin/bash
    ln -s bash $out/bin/sh
  '';
  coreutils = links "coreutils" [
    "basename"
    "cat"
    "chmod"
    "chown"
    "comm"
    "cp"
    "cut"
    "date"
    "dd"
    "df"
    "dirname"
    "du"
    "echo"
    "env"
    "expr"
    "false"
    "head"
    "id"
    "install"
    "join"
    "ln"
    "ls"
    "mkdir"
    "mkfifo"
    "mktemp"
    "mv"
    "nproc"
    "od"
    "paste"
    "printf"
    "pwd"
    "readlink"
    "realpath"
    "rm"
    "rmdir"
    "seq"
    "sha256sum"
    "sleep"
    "sort"
    "split"
    "stat"
    "tail"
    "tee"
    "test"
    "timeout"
    "touch"
    "tr"
    "true"
    "truncate"
    "tty"
    "uname"
    "uniq"
    "wc"
  ];
  findutils = links "findutils" [
    "find"
    "xargs"
  ];
  gnugrep = links "gnugrep" [ "grep" ];
  gnused = links "gnused" [ "sed" ];
  gnutar = links "gnutar" [ "tar" ];
  gzip = links "gzip" [ "gzip" ];
  diffutils = links "diffutils" [
    "cmp"
    "diff"
  ];

  # rustc takes std's source lines from `rust-src`, and std's paths in what it compiles are then those
  # of the store: the file that it looks for is enough for that.
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

  # glibc.static has paths of glibc itself in it; here that is one object which every link keeps.
  glibc = plain "glibc" ''
    mkdir -p $out/lib
    ln -s /host/lib/${architecture}-linux-gnu/libc.so $out/lib/
  '';
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
  # The host's compiler, with the order of directories that nixpkgs' wrapper gives.
  cc = plain "cc" ''
    [ -x /host/bin/gcc ] || fail "there is no gcc"
    mkdir -p $out/bin
    {
      echo '#!${bash}/bin/bash'
      echo 'exec /host/bin/gcc -B/host/bin/ -idirafter /host/include \'
      echo '  -idirafter /host/include/${architecture}-linux-gnu "$@" $NIX_LDFLAGS \'
      echo '  -L/host/lib/${architecture}-linux-gnu'
    } >$out/bin/cc
    chmod +x $out/bin/cc
    ln -s cc $out/bin/gcc
    for program in ar as ld nm objcopy ranlib strip; do
      ln -s /host/bin/$program $out/bin/$program
    done
  '';
in
{
  inherit
    bash
    cc
    coreutils
    diffutils
    findutils
    gnugrep
    gnused
    gnutar
    gzip
    ;
  bashInteractive = bash;
  rust-bin = {
    stable."1.95.0".minimal = toolchain "stable" "1.95.0 (59807616e 2026-04-14)";
    nightly."2026-05-20".minimal = toolchain "nightly" "1.97.0-nightly (e50aa6fba 2026-05-19)";
  };
  cargo-deny = tool "cargo-deny" "cargo-deny";
  cargo-llvm-cov = script "cargo-llvm-cov" ''
    export LLVM_COV=/tools/bin/llvm-cov LLVM_PROFDATA=/tools/bin/llvm-profdata
    exec /tools/bin/cargo-llvm-cov "$@"'';
  deadnix = tool "deadnix" "deadnix";
  nixfmt = tool "nixfmt" "nixfmt";
  llvm = tool "llvm" "llvm-symbolizer";
  valgrind = tool "valgrind" "valgrind";
  gitMinimal = links "git" [ "git" ];
  python3 = links "python3" [ "python3" ];
  zstd = links "zstd" [ "zstd" ];
  glibc = glibc // {
    static = glibcStatic;
  };
  removeReferencesTo = script "remove-references-to" ''
    targets=()
    while [ "$1" = -t ]; do
      targets+=("$2")
      shift 2
    done
    for target in "''${targets[@]}"; do
      digest=''${target#/nix/store/}
      sed -i "s,''${digest:0:32},eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee,g" "$@"
    done'';
}
