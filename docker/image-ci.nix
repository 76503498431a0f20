# The image for CI jobs where there is no Nix: the pinned toolchains, every tool of the matrix and
# the vendored crates. It runs checks/run on a checkout mounted at /source, without a network.
{
  lib,
  pkgs,
  runCommand,
  buildImage,
  toolchains,
  tools,
  vendored,
}:
let
  cargoHome = runCommand "cargo-home" { } ''
    mkdir -p $out
    cat >$out/config.toml <<END
    [source.crates-io]
    replace-with = "vendored"
    [source.vendored]
    directory = "${vendored}"
    END
  '';
in
buildImage {
  name = "git-mind-ci";
  contents = lib.attrValues tools ++ [
    pkgs.bashInteractive
    pkgs.coreutils
    pkgs.findutils
    pkgs.glibc.static
    pkgs.gnugrep
    pkgs.gnused
    pkgs.stdenv.cc
  ];
  entrypoint = [
    "python3"
    "/source/checks/run"
  ];
  workingDir = "/source";
  env = [
    "CARGO_HOME=${cargoHome}"
    "HOME=/tmp"
    "PATH=/bin"
    "TOOLCHAIN_NIGHTLY=${toolchains.nightly}"
    "TOOLCHAIN_STABLE=${toolchains.stable}"
  ];
}
