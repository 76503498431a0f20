# What the checks of a profile share, in steps, so that each is compiled once: the dependencies,
# from a stub of the workspace, which a source edit does not touch; the libraries under crates/, for
# a profile that lists them, which an edit of the program does not touch; and the program's own
# targets. An output is cargo's target directory, packed.
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
          tar --sort=name --mtime=@1 --owner=0 --group=0 -cf - target |
            zstd -q -1 -T0 -o $out/target.tar.zst
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
  librariesOf =
    name: profile:
    pack {
      name = "libraries-${name}";
      src = sources.librariesWith (profile.sources or [ ]);
      inherit profile;
      start = built.${profile.deps_of or name};
      commands = profile.libraries;
    };
  programOf =
    name: profile: start:
    pack (
      {
        name = "program-${name}";
        src = sources.programWith [ ];
        inherit profile;
        commands = profile.program;
      }
      // start
    );
  # How a check of the profile begins: one of a few directories, of the libraries, of the program.
  startsOf =
    name: profile:
    let
      directories.start = built.${profile.deps_of or name};
      libraries = {
        start = librariesOf name profile;
        stubbed = "none";
      };
      shared = if profile ? libraries then libraries else directories;
      beforeProgram = shared // lib.optionalAttrs (profile ? libraries) { stubbed = "program"; };
    in
    {
      inherit directories;
      libraries = shared;
      program =
        if profile ? program then
          {
            start = programOf name profile beforeProgram;
            stubbed = "none";
          }
        else
          beforeProgram;
    };
in
lib.mapAttrs startsOf profiles
