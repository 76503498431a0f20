# An image for CI jobs where there is no Nix: one pinned toolchain, the tools of its checks and the
# vendored crates. It runs checks/run on a checkout mounted at /source, without a network.
{
  pkgs,
  runCommand,
  buildImage,
  toolchains,
  tools,
  vendored,
}:
{
  name,
  channel,
  toolNames,
}:
let
  variables = {
    stable = "TOOLCHAIN_STABLE";
    nightly = "TOOLCHAIN_NIGHTLY";
  };
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
  inherit name;
  contents = map (tool: tools.${tool}) toolNames ++ [
    # Scripts start by /usr/bin/env, and git asks who its user is.
    pkgs.dockerTools.usrBinEnv
    (pkgs.dockerTools.fakeNss.override {
      extraPasswdLines = [ "ci:x:65532:65532:CI jobs:/tmp:/bin/sh" ];
      extraGroupLines = [ "ci:x:65532:" ];
    })
    pkgs.bashInteractive
    pkgs.coreutils
    pkgs.diffutils
    pkgs.findutils
    pkgs.gnugrep
    pkgs.gnused
    pkgs.gnutar
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
    # The static program is linked against it; no setup hook says where it is.
    "LIBRARY_PATH=${pkgs.glibc.static}/lib"
    "PATH=/bin"
    "${variables.${channel}}=${toolchains.${channel}}"
  ];
}
