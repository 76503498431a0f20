# The dependencies of the crate, built once for each profile from a stub of the crate, so that a
# source edit rebuilds the crate alone. The output is cargo's target folder, packed.
{
  lib,
  profiles,
  sources,
  cargoDerivation,
}:
lib.mapAttrs (
  name: profile:
  cargoDerivation {
    name = "dependencies-${name}";
    src = sources.stub;
    inherit profile;
    buildPhase = lib.concatStringsSep "\n" profile.deps;
    installPhase = ''
      mkdir -p $out
      tar --sort=name --mtime=@1 --owner=0 --group=0 -cf - target | zstd -q -o $out/target.tar.zst
    '';
  }
) profiles
