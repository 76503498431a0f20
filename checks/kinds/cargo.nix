# A check that runs cargo on the crate's sources, by the profile it names or by a bare toolchain.
{
  lib,
  profiles,
  sources,
  fixtures,
  program,
  compiled,
  cargoDerivation,
}:
check:
cargoDerivation (
  {
    inherit (check) name;
    src = sources.crateWith (check.sources or [ ]);
    profile = if check ? profile then profiles.${check.profile} else { inherit (check) toolchain; };
    fixtures = if check.fixtures or false then fixtures.vendored else null;
    toolNames = check.tools or [ ];
    env =
      check.env or { }
      // lib.optionalAttrs (check ? floor_percent) { FLOOR_PERCENT = toString check.floor_percent; }
      // lib.optionalAttrs (check.program or false) {
        GITMIND_PROGRAM = "${program}/bin/git-mind";
      };
    buildPhase = lib.concatStringsSep "\n" check.run;
    installPhase = ''
      mkdir -p $out
      for report in ${lib.escapeShellArgs (check.keep or [ ])}; do cp "$report" $out; done
    '';
  }
  // lib.optionalAttrs (check ? profile) compiled.start.${check.profile}
)
