# The shipped git-mind: one static binary, optimized.
{
  manifest,
  profiles,
  sources,
  dependencies,
  cargoDerivation,
}:
cargoDerivation {
  name = "git-mind-${manifest.package.version}";
  src = sources.program;
  profile = profiles.shipped;
  dependencies = dependencies.shipped;
  buildPhase = "cargo build --locked --release";
  installPhase = "install -Dm755 target/*/release/git-mind $out/bin/git-mind";
}
