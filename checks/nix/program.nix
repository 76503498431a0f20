# The shipped git-mind: one static binary, optimized, that refers to nothing in the store.
{
  lib,
  pkgs,
  manifest,
  profiles,
  sources,
  compiled,
  toolchains,
  cargoDerivation,
}:
let
  sourcesDigest = builtins.hashString "sha256" (
    builtins.unsafeDiscardStringContext "${sources.program}"
  );
  # What a static program may name, and never needs: libc's directories for locales and character
  # sets, and the sources of std, where the toolchain has them.
  mentioned = [
    pkgs.glibc
    pkgs.glibc.static
    toolchains.stable
  ];
  targets = lib.concatMapStringsSep " " (path: "-t ${path}") mentioned;
in
cargoDerivation {
  pname = "git-mind";
  inherit (manifest.package) version;
  # For reports. It names the sources, so that a commit that changes none of them builds nothing.
  env.BUILD_REVISION = "sources-${builtins.substring 0 12 sourcesDigest}";
  src = sources.program;
  profile = profiles.shipped;
  inherit (compiled.shipped.program) start stubbed;
  nativeBuildInputs = [ pkgs.removeReferencesTo ];
  buildPhase = "cargo build --locked --release --bin git-mind";
  installPhase = ''
    install -Dm755 target/*/release/git-mind $out/bin/git-mind
    remove-references-to ${targets} $out/bin/git-mind
  '';
  allowedReferences = [ ];
  meta = {
    inherit (manifest.package) description;
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    platforms = lib.platforms.linux;
    mainProgram = "git-mind";
  };
}
