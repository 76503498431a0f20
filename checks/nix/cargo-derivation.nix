# A derivation that runs cargo offline on the vendored crates, with the toolchain, the target and
# the environment of a profile, starting from what `start` has compiled where that is given.
{
  lib,
  pkgs,
  matrix,
  sources,
  toolchains,
  tools,
  vendored,
}:
let
  hostTriple = pkgs.stdenv.hostPlatform.config;
in
{
  src,
  profile ? { },
  toolchain ? profile.toolchain,
  # A derivation with a packed target directory, and which sources were the stub's when it was
  # compiled: all, those of the program, or none.
  start ? null,
  stubbed ? "all",
  fixtures ? null,
  toolNames ? [ ],
  env ? { },
  ...
}@attributes:
let
  isForHost = profile.target or null == "host";
  target = if isForHost then hostTriple else profile.target or null;
  environment =
    matrix.env
    // lib.optionalAttrs (target != null) { CARGO_BUILD_TARGET = target; }
    // profile.env or { }
    // env;
  # Only units of an explicit target see RUSTFLAGS. As an input of the build, static libc would be
  # found by each link before libc itself, and build scripts and procedural macros would crash.
  static = lib.optionalAttrs isForHost {
    RUSTFLAGS = "${environment.RUSTFLAGS or ""} -L native=${pkgs.glibc.static}/lib";
  };
in
pkgs.stdenv.mkDerivation (
  removeAttrs attributes [
    "profile"
    "toolchain"
    "start"
    "stubbed"
    "fixtures"
    "toolNames"
  ]
  // {
    strictDeps = true;
    dontFixup = true;
    nativeBuildInputs = [
      toolchains.${toolchain}
      pkgs.zstd
    ]
    ++ map (tool: tools.${tool}) (lib.unique ((profile.tools or [ ]) ++ toolNames))
    ++ attributes.nativeBuildInputs or [ ];

    # The sources lie over the stub, so that a target they leave out is there for the manifest. One
    # directory name serves all, since cargo's artefacts carry it.
    unpackPhase = ''
      mkdir $NIX_BUILD_TOP/source && cd $NIX_BUILD_TOP/source
      for layer in ${sources.stub} ${src}; do
        cp -r --preserve=timestamps $layer/. .
        chmod -R u+w .
      done
    ''
    + lib.optionalString (fixtures != null) ''
      mkdir -p fixtures
      cp -rL --preserve=timestamps ${fixtures}/. fixtures
      chmod -R u+w fixtures
    ''
    # Files of the store are dated 1970, and so is what was packed: cargo takes what was compiled
    # from the same files for fresh, and would take the stub's for fresh too.
    + lib.optionalString (start != null) ''
      tar --zstd -xf ${start}/target.tar.zst
      ${lib.optionalString (stubbed != "none") ''
        find . -name '*.rs' -not -path './target/*' ${
          lib.optionalString (stubbed == "program") (
            lib.concatMapStringsSep " " (kept: "-not -path './${kept}/*'") [
              "crates"
              "checks"
            ]
          )
        } -exec touch {} +
      ''}
    '';

    # The link keeps the store's path out of what is built: panic messages name source files.
    configurePhase = ''
      export HOME=$NIX_BUILD_TOP CARGO_HOME=$NIX_BUILD_TOP/cargo
      mkdir -p $CARGO_HOME
      ln -s ${vendored} $NIX_BUILD_TOP/crates
      cat >$CARGO_HOME/config.toml <<END
      [source.crates-io]
      replace-with = "vendored"
      [source.vendored]
      directory = "$NIX_BUILD_TOP/crates"
      END
    '';
    env = environment // static;
  }
)
