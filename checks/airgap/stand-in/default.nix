# The package set of the stand-in: what `import nixpkgs { ... }` gives.
#
# A function takes the arguments that it takes there and this repository uses, and no others.
{
  system ? builtins.currentSystem,
  overlays ? [ ],
}:
let
  lib = import ./lib.nix;
  host = import ./host.nix { inherit lib system; };
  build = import ./build.nix {
    inherit lib system;
    inherit (host) bash cc;
    initialPath = [
      host.coreutils
      host.findutils
      host.diffutils
      host.gnused
      host.gnugrep
      host.gnutar
      host.gzip
      host.bash
    ];
  };
  packages = host // {
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
    dockerTools = import ./docker-tools.nix { inherit lib build host; };
    writeShellApplication = import ./shell-application.nix { inherit lib build; };
    mkShell =
      attributes@{ packages, ... }:
      build.mkDerivation (
        removeAttrs attributes [ "packages" ]
        // {
          name = attributes.name or "nix-shell";
          nativeBuildInputs = packages;
          buildPhase = "env >$out";
        }
      );
  };
  # An overlay is given the whole set, as it is in the end, and what stands before it.
  apply =
    before: overlay:
    let
      after = before // overlay after before;
    in
    after;
in
builtins.foldl' apply packages overlays
