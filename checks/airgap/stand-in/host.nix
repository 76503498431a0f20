# The packages that are the host's own: toolchains under /rust, tools under /tools, and whatever
# the system folders hold. Each is checked when it is "built", so a missing one fails by its name.
{ lib, build }:
let
  inherit (build) bash runCommand;
  # Links to every program of a folder that the sandbox shows.
  links =
    name: folder: test:
    runCommand name { } ''
      ${test}
      mkdir -p $out/bin
      ln -s ${folder}/bin/* $out/bin/
    '';
  toolchain =
    channel: version:
    let
      package = links "rust-${channel}" "/rust/${channel}" ''
        found=$(/rust/${channel}/bin/rustc --version)
        [ "$found" = "rustc ${version}" ] || fail "${channel} is $found, not ${version}"
      '';
    in
    package // { override = _: package; };
  program =
    name: path:
    runCommand name { } ''
      [ -x ${path} ] || fail "there is no ${path}"
      mkdir -p $out/bin
      ln -s ${path} $out/bin/${name}
    '';
  system = name: program name "$(PATH=/usr/local/bin:/usr/bin command -v ${name})";
  wrapped =
    name: script:
    runCommand name { } ''
      mkdir -p $out/bin
      printf '#!%s\n%s\n' ${bash} ${lib.escapeShellArgs [ script ]} >$out/bin/${name}
      chmod +x $out/bin/${name}
    '';
in
{
  rust-bin = {
    stable."1.95.0".minimal = toolchain "stable" "1.95.0 (59807616e 2026-04-14)";
    nightly."2026-05-20".minimal = toolchain "nightly" "1.97.0-nightly (e50aa6fba 2026-05-19)";
  };
  cargo-deny = program "cargo-deny" "/tools/bin/cargo-deny";
  cargo-llvm-cov = wrapped "cargo-llvm-cov" ''
    export LLVM_COV=/tools/bin/llvm-cov LLVM_PROFDATA=/tools/bin/llvm-profdata
    exec /tools/bin/cargo-llvm-cov "$@"'';
  deadnix = program "deadnix" "/tools/bin/deadnix";
  nixfmt = program "nixfmt" "/tools/bin/nixfmt";
  llvm = program "llvm-symbolizer" "/tools/bin/llvm-symbolizer";
  valgrind = program "valgrind" "/tools/bin/valgrind";
  bashInteractive = system "bash";
  coreutils = system "env";
  findutils = system "find";
  gnugrep = system "grep";
  gnused = system "sed";
  gitMinimal = system "git";
  python3 = system "python3";
  zstd = system "zstd";
  # libc6-dev keeps the static library where the linker looks.
  glibc.static = null;
  cc = system "cc";
}
