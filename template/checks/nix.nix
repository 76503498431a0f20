# Turns matrix.toml into derivations: each check runs its commands on the sources it names, offline.
{ pkgs }:
let
  inherit (pkgs) lib;
  read = file: builtins.fromTOML (builtins.readFile file);
  matrix = read ./matrix.toml;
  inherit (read ../rust-toolchain.toml) toolchain;
  rust = pkgs.rust-bin.stable.${toolchain.channel}.minimal.override {
    extensions = toolchain.components;
  };
  vendored = pkgs.rustPlatform.importCargoLock { lockFile = ../Cargo.lock; };
  # The programs a check may name under `tools`.
  tools = {
    inherit (pkgs) python3;
    git = pkgs.gitMinimal;
  };
  sourcesOf =
    check:
    lib.fileset.toSource {
      root = ../.;
      fileset = lib.fileset.unions (
        map (name: ../. + "/${name}") (
          [
            "Cargo.lock"
            "Cargo.toml"
            "src"
            "tests"
          ]
          ++ check.sources or [ ]
        )
      );
    };
  build =
    name: check:
    pkgs.stdenv.mkDerivation {
      inherit name;
      strictDeps = true;
      dontFixup = true;
      nativeBuildInputs = [ rust ] ++ map (tool: tools.${tool}) (check.tools or [ ]);
      unpackPhase = ''
        cp -r ${sourcesOf check} source
        chmod -R u+w source
        cd source
      '';
      configurePhase = ''
        export HOME=$NIX_BUILD_TOP CARGO_HOME=$NIX_BUILD_TOP/cargo
        mkdir $CARGO_HOME
        cat >$CARGO_HOME/config.toml <<END
        [source.crates-io]
        replace-with = "vendored"
        [source.vendored]
        directory = "${vendored}"
        END
      '';
      buildPhase = lib.concatStringsSep "\n" check.run;
      installPhase = ''
        mkdir -p $out
        for report in ${lib.escapeShellArgs (check.keep or [ ])}; do cp "$report" $out; done
      '';
      env = matrix.env or { } // check.env or { };
    };
in
lib.mapAttrs build matrix.check
