# The packages made of what the sandbox shows of the host: its programs under /host, its libc's
# static libraries under /static, the toolchains under /rust and the tools under /tools.
#
# Each is checked when it is "built", so a missing one fails by its name.
{ lib, system }:
let
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
  compiler = import ./compiler.nix {
    inherit
      lib
      plain
      bash
      system
      ;
  };
in
compiler
// {
  inherit bash;
  bashInteractive = bash;
  coreutils = links "coreutils" (
    lib.splitString " " (
      "base64 basename cat chmod chown comm cp cut date dd df dirname du echo env expr false head "
      + "id install join ln ls mkdir mkfifo mktemp mv nproc od paste printf pwd readlink realpath "
      + "rm rmdir seq sha256sum sleep sort split stat tail tee test timeout touch tr true truncate "
      + "tty uname uniq wc"
    )
  );
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
  dpkg = links "dpkg" [
    "dpkg"
    "dpkg-deb"
    "dpkg-query"
    "dpkg-split"
  ];
  gitMinimal = links "git" [ "git" ];
  python3 = links "python3" [ "python3" ];
  zstd = links "zstd" [ "zstd" ];

  cargo-deny = tool "cargo-deny" "cargo-deny";
  cargo-llvm-cov = script "cargo-llvm-cov" ''
    export LLVM_COV=/tools/bin/llvm-cov LLVM_PROFDATA=/tools/bin/llvm-profdata
    exec /tools/bin/cargo-llvm-cov "$@"'';
  deadnix = tool "deadnix" "deadnix";
  nixfmt = tool "nixfmt" "nixfmt";
  llvm = tool "llvm" "llvm-symbolizer";
  valgrind = tool "valgrind" "valgrind";
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
