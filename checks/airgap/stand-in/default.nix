# The package set of the stand-in: what `import nixpkgs { ... }` gives.
{
  system ? builtins.currentSystem,
  ...
}:
let
  lib = import ./lib.nix;
  build = import ./build.nix { inherit lib system; };
  host = import ./host.nix { inherit lib build; };
in
host
// {
  inherit lib;
  inherit (build) runCommand;
  stdenv = {
    inherit (build) mkDerivation;
    inherit (host) cc;
    hostPlatform = {
      inherit system;
      config = "${builtins.head (lib.splitString "-" system)}-unknown-linux-gnu";
      isx86_64 = system == "x86_64-linux";
    };
  };
  rustPlatform.importCargoLock = import ./import-cargo-lock.nix { inherit lib build; };
  dockerTools.streamLayeredImage = import ./image.nix { inherit lib build; };
  writeShellApplication = import ./shell-application.nix { inherit lib build; };
  mkShell =
    { packages }:
    build.runCommand "shell" { nativeBuildInputs = packages; } ''
      mkdir -p $out
      echo "$PATH" >$out/path
    '';
}
