# Derivations: bash from the host, the phases that this repository sets, and no hooks.
{ lib, system }:
let
  bash = "/usr/bin/bash";
  # A derivation's environment is made of strings; these attributes are for Nix code alone.
  forNix = [
    "env"
    "meta"
    "passthru"
  ];
  entry = ''
    set -euo pipefail
    PATH=/usr/local/bin:/usr/bin
    for input in $nativeBuildInputs; do PATH=$input/bin:$PATH; done
    export PATH
    started=$EPOCHREALTIME
    trap 'echo "built in $(( (''${EPOCHREALTIME/./} - ''${started/./}) / 1000 )) ms"' EXIT
    fail() { echo "this machine is not fit: $1" >&2; exit 1; }
    source "$scriptPath"
  '';
  runCommand =
    name: attributes: script:
    derivation (
      removeAttrs attributes forNix
      // attributes.env or { }
      // {
        inherit name system script;
        builder = bash;
        passAsFile = [ "script" ];
        args = [
          "-c"
          entry
        ];
        nativeBuildInputs = attributes.nativeBuildInputs or [ ];
      }
    )
    // attributes.passthru or { };
in
{
  inherit bash runCommand;
  mkDerivation =
    attributes:
    let
      phases = [
        "unpackPhase"
        "configurePhase"
        "buildPhase"
        "installPhase"
      ];
      settings = [
        "strictDeps"
        "dontFixup"
        "buildInputs"
      ];
    in
    runCommand attributes.name (removeAttrs attributes (phases ++ settings)) (
      lib.concatMapStringsSep "\n" (phase: attributes.${phase} or "") phases
    );
}
