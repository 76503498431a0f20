# The shipped git-mind: one static binary, optimized.
{
  manifest,
  profiles,
  sources,
  dependencies,
  cargoDerivation,
}:
let
  sourcesDigest = builtins.hashString "sha256" (
    builtins.unsafeDiscardStringContext "${sources.program}"
  );
in
cargoDerivation {
  name = "git-mind-${manifest.package.version}";
  # For reports. It names the sources, so that a commit that changes none of them builds nothing.
  env.BUILD_REVISION = "sources-${builtins.substring 0 12 sourcesDigest}";
  src = sources.program;
  profile = profiles.shipped;
  dependencies = dependencies.shipped;
  buildPhase = "cargo build --locked --release";
  installPhase = "install -Dm755 target/*/release/git-mind $out/bin/git-mind";
}
