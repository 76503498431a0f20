# A check that runs cargo on the crate's sources, or on the `part` of them that it names, by the
# profile it names or by a bare toolchain. An edit elsewhere does not run the check of a part again.
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
    src =
      let
        others = check.sources or [ ];
      in
      if check ? part then sources.partWith check.part others else sources.crateWith others;
    profile = if check ? profile then profiles.${check.profile} else { inherit (check) toolchain; };
    fixtures = if check.fixtures or false then fixtures.vendored else null;
    toolNames = check.tools or [ ];
    env =
      check.env or { }
      // lib.optionalAttrs (check.program or false) {
        GITMIND_PROGRAM = "${program}/bin/git-mind";
      };
    buildPhase = lib.concatStringsSep "\n" check.run;
    installPhase = ''
      mkdir -p $out
      for report in ${lib.escapeShellArgs (check.keep or [ ])}; do cp "$report" $out; done
    '';
  }
  // (
    if check ? part then
      { start = compiled.dependencies.${check.profile}; }
    else
      lib.optionalAttrs (check ? profile) compiled.start.${check.profile}
  )
)
