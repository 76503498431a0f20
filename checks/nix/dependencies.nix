# The dependencies of the crate, built once for each profile from a stub of the crate, so that a
# source edit rebuilds the crate alone. The output is cargo's target folder, packed. A profile
# without `deps` uses those of the profile that it names.
{
  lib,
  profiles,
  sources,
  cargoDerivation,
}:
let
  build =
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
    };
  built = lib.mapAttrs build (lib.filterAttrs (_: profile: profile ? deps) profiles);
in
lib.mapAttrs (name: profile: built.${profile.deps_of or name}) profiles
