# Derivations: their shell, environment and phases are as in nixpkgs, without its hooks.
{
  lib,
  system,
  bash,
  initialPath,
  cc,
}:
let
  # A derivation's environment is made of strings; these attributes are for Nix code alone.
  forNix = [
    "env"
    "meta"
    "passthru"
    "pname"
    "version"
  ];
  setup = derivation {
    name = "stdenv-setup";
    inherit system;
    builder = "/bin/sh";
    args = [
      "-c"
      "/host/bin/mkdir $out && /host/bin/cp ${./setup.sh} $out/setup"
    ];
  };
  entry = ''
    source ${setup}/setup
    started=$EPOCHREALTIME
    report() {
      local time used=0 passed=$((''${EPOCHREALTIME/./} - ''${started/./}))
      times >"$NIX_BUILD_TOP/times"
      for time in $(<"$NIX_BUILD_TOP/times"); do
        time=''${time%s}
        used=$((used + 60000 * ''${time%m*} + 10#$(tr -d . <<<"''${time#*m}")))
      done 2>/dev/null
      echo "built in $((passed / 1000)) ms, $used of processors"
    }
    trap report EXIT
    source "$scriptPath"
  '';
  nameOf =
    attributes: attributes.name or "${attributes.pname or "unnamed"}-${attributes.version or "0"}";
  derive =
    compilers: attributes: script:
    derivation (
      removeAttrs attributes forNix
      // attributes.env or { }
      // {
        inherit system script;
        name = nameOf attributes;
        builder = "${bash}/bin/bash";
        passAsFile = [ "script" ];
        args = [
          "-c"
          entry
        ];
        nativeBuildInputs = attributes.nativeBuildInputs or [ ];
        initialPath = initialPath ++ compilers;
        stdenv = setup;
        outputs = [ "out" ];
      }
    )
    // {
      meta = attributes.meta or { };
      pname = attributes.pname or (nameOf attributes);
      version = attributes.version or "";
    }
    // attributes.passthru or { };
in
{
  inherit bash;
  # As there, without a compiler.
  runCommand = name: attributes: derive [ ] (attributes // { inherit name; });
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
      ];
    in
    derive [ cc ] (removeAttrs attributes (phases ++ settings)) (
      lib.concatMapStringsSep "\n" (phase: attributes.${phase} or "") phases
    );
}
