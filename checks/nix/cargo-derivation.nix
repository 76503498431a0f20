# A derivation that runs cargo offline on the vendored crates, with the toolchain, the target and
# the environment of a profile, starting from that profile's dependencies where they are given.
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
  name,
  src,
  buildPhase,
  installPhase,
  profile ? { },
  toolchain ? profile.toolchain,
  dependencies ? null,
  fixtures ? null,
  toolNames ? [ ],
  env ? { },
}:
let
  target = if profile.target or null == "host" then hostTriple else profile.target or null;
in
pkgs.stdenv.mkDerivation {
  inherit name buildPhase installPhase;
  strictDeps = true;
  dontFixup = true;
  nativeBuildInputs = [
    toolchains.${toolchain}
    pkgs.zstd
  ]
  ++ map (tool: tools.${tool}) (lib.unique ((profile.tools or [ ]) ++ toolNames));
  buildInputs = lib.optionals (profile.target or null == "host") [ pkgs.glibc.static ];

  # The sources lie over the stub, so that a target they leave out is there for the manifest. One
  # folder name serves all, since cargo's artefacts carry it.
  unpackPhase = ''
    mkdir $NIX_BUILD_TOP/source && cd $NIX_BUILD_TOP/source
    for layer in ${sources.stub} ${src}; do
      cp -r $layer/. .
      chmod -R u+w .
    done
  ''
  + lib.optionalString (fixtures != null) ''
    mkdir -p fixtures
    cp -rL ${fixtures}/. fixtures
    chmod -R u+w fixtures
  ''
  # Files of the store are dated 1970, and cargo would take the stub's build for newer.
  + lib.optionalString (dependencies != null) ''
    tar --zstd -xf ${dependencies}/target.tar.zst
    find . -name '*.rs' -not -path './target/*' -exec touch {} +
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
  env =
    matrix.env
    // lib.optionalAttrs (target != null) { CARGO_BUILD_TARGET = target; }
    // profile.env or { }
    // env;
}
