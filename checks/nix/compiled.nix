# What the checks of a profile share, in two steps, so that each is compiled once: the dependencies,
# from a stub of the crate, which a source edit does not touch; and the crate's own targets, for a
# profile that lists them under `build`. An output is cargo's target directory, packed.
#
# A profile without `deps` uses the dependencies of the profile that it names.
{
  lib,
  profiles,
  sources,
  cargoDerivation,
}:
let
  pack =
    { commands, ... }@attributes:
    cargoDerivation (
      removeAttrs attributes [ "commands" ]
      // {
        buildPhase = lib.concatStringsSep "\n" commands;
        installPhase = ''
          mkdir -p $out
          tar --sort=name --mtime=@1 --owner=0 --group=0 -cf - target | zstd -q -1 -T0 -o $out/target.tar.zst
        '';
      }
    );
  dependenciesOf =
    name: profile:
    pack {
      name = "dependencies-${name}";
      src = sources.stub;
      inherit profile;
      commands = profile.deps;
    };
  built = lib.mapAttrs dependenciesOf (lib.filterAttrs (_: profile: profile ? deps) profiles);
  dependencies = lib.mapAttrs (name: profile: built.${profile.deps_of or name}) profiles;
  targetsOf =
    name: profile:
    pack {
      name = "crate-${name}";
      src = sources.crateWith [ ];
      inherit profile;
      start = dependencies.${name};
      commands = profile.build;
    };
in
{
  inherit dependencies;
  # How a check of the profile begins.
  start = lib.mapAttrs (
    name: profile:
    if profile ? build then
      {
        start = targetsOf name profile;
        isOfStub = false;
      }
    else
      {
        start = dependencies.${name};
      }
  ) profiles;
}
